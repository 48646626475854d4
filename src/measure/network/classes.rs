//! The graph of a cluster by classes: facilities that are tied to the same others stand together, so that a body of
//! 20,000 members is one class and not 200 million pairs.

use std::collections::{BTreeMap, BTreeSet};

use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use super::{TieSet, Vertex};
use crate::measure::lists::{Lists, ascending};
use crate::validate::settings::Between;

type HashMap<K, V> = std::collections::HashMap<K, V, Xxh3DefaultBuilder>;

/// What ends and members may name, by position of [`level`].
const LEVELS: usize = 3;
/// No operator, no sector.
const NOBODY: u32 = u32::MAX;

fn level(between: Between) -> usize {
    match between {
        Between::Facility => 0,
        Between::Operator => 1,
        Between::Sector => 2,
    }
}

/// The observed facilities of a cluster by classes: facilities with the same ties. Those of a class come in blocks of one
/// operator each, all of one size.
#[derive(Debug, Clone)]
pub struct Classes {
    /// Facilities of each class, ascending, by operator.
    nodes: Lists<u32>,
    /// How those of each class are tied to one another.
    inner: Vec<Inner>,
    /// Classes all of whose facilities are tied to all of this one, ascending.
    adjacent: Lists<u32>,
    /// The kinds in which they are, a bit a kind, as the items of `adjacent`; empty where there is but one kind.
    kinds: Vec<u64>,
}

/// How the facilities of one class are tied to one another.
#[derive(Debug, Clone, Copy)]
struct Inner {
    /// Facilities a block: of one operator, or one alone where those of one operator are tied as well.
    block: u32,
    /// Kinds in which facilities of one block are tied: a bit a kind.
    within: u64,
    /// Kinds in which facilities of different blocks are; never fewer than `within`.
    across: u64,
}

impl Classes {
    /// Classes of the observed facilities under the ties of one kind or, for pairs tied in several, of up to 64.
    pub fn new(nodes: &[Vertex], kinds: &[&TieSet]) -> Self {
        let builder = Builder::new(nodes, kinds);
        let (nodes, inner) = builder.classes();
        let (adjacent, kinds) = builder.join(&nodes, kinds.len() > 1);
        Self { nodes, inner, adjacent, kinds }
    }

    /// The number of classes.
    pub(super) fn len(&self) -> usize {
        self.inner.len()
    }

    /// All classes, by number.
    pub fn all(&self) -> std::ops::Range<u32> {
        0..self.len() as u32
    }

    /// The number of observed facilities.
    pub fn count(&self) -> usize {
        self.nodes.items().len()
    }

    /// Facilities of a class, ascending, by operator.
    pub fn nodes(&self, class: u32) -> &[u32] {
        self.nodes.of(class)
    }

    /// The number of facilities of a class.
    pub fn size(&self, class: u32) -> usize {
        self.nodes(class).len()
    }

    /// Facilities a block of a class.
    pub fn block(&self, class: u32) -> usize {
        self.inner[class as usize].block as usize
    }

    /// Classes that a class is tied to, ascending.
    pub fn adjacent(&self, class: u32) -> &[u32] {
        self.adjacent.of(class)
    }

    /// Ties of one facility to others of its class.
    pub fn inner_degree(&self, class: u32) -> usize {
        let Inner { within, across, .. } = self.inner[class as usize];
        let across = if across == 0 { 0 } else { self.size(class) - self.block(class) };
        if within == 0 { across } else { self.size(class) - 1 }
    }

    /// Pairs tied within a class.
    pub fn inner_ties(&self, class: u32) -> u64 {
        (self.size(class) * self.inner_degree(class)) as u64 / 2
    }

    /// Ties of each facility of a class.
    pub fn degree(&self, class: u32) -> usize {
        self.inner_degree(class) + self.adjacent(class).iter().map(|&other| self.size(other)).sum::<usize>()
    }

    /// Tied pairs.
    pub fn ties(&self) -> u64 {
        self.all().map(|class| (self.size(class) * self.degree(class)) as u64).sum::<u64>() / 2
    }

    /// Pairs tied in at least so many kinds.
    pub fn ties_of(&self, least: u32) -> u64 {
        let outer = |class: u32| {
            let kinds = |at: usize| self.kinds.get(at).map_or(1, |kinds| kinds.count_ones());
            let tied = self.adjacent.range(class).filter(|&at| kinds(at) >= least);
            tied.map(|at| (self.size(class) * self.size(self.adjacent.items()[at])) as u64).sum::<u64>()
        };
        let inner = |class: u32| {
            let Inner { within, across, .. } = self.inner[class as usize];
            let (all, block) = (self.size(class) as u64, self.block(class) as u64);
            let within = if within.count_ones() >= least { all * (block - 1) / 2 } else { 0 };
            let across = if across.count_ones() >= least { all * (all - block) / 2 } else { 0 };
            within + across
        };
        self.all().map(inner).sum::<u64>() + self.all().map(outer).sum::<u64>() / 2
    }

    /// All tied pairs, each once, the smaller position first, ascending.
    pub fn pairs(&self, nodes: &[Vertex]) -> Vec<(u32, u32)> {
        let mut pairs = Vec::new();
        let operator = |node: u32| nodes[node as usize].operator;
        for class in self.all() {
            let Inner { within, across, .. } = self.inner[class as usize];
            for (at, &node) in self.nodes(class).iter().enumerate() {
                let tied = |other: u32| within != 0 || across != 0 && operator(node) != operator(other);
                let same = self.nodes(class)[at + 1..].iter().filter(|&&other| tied(other));
                pairs.extend(same.map(|&other| (node, other)));
                let others = self.adjacent(class).iter().flat_map(|&other| self.nodes(other));
                pairs.extend(others.filter(|&&other| other > node).map(|&other| (node, other)));
            }
        }
        pairs.iter_mut().filter(|pair| pair.0 > pair.1).for_each(|pair| *pair = (pair.1, pair.0));
        pairs.sort_unstable();
        pairs
    }
}

/// What facilities have in common at one level: themselves, an operator, a sector; numbered within the cluster.
#[derive(Default)]
struct Owners {
    /// The owner of each facility, or [`NOBODY`].
    of_node: Vec<u32>,
    /// Observed facilities of each owner.
    nodes: Lists<u32>,
    /// Owners that each is linked to, with the kind.
    links: Lists<(u32, u8)>,
    /// Organisations that each is in.
    groups: Lists<u32>,
}

/// The operators and sectors of a cluster, ascending: their places are their numbers there.
struct Names {
    nodes: u32,
    operators: Vec<u32>,
    sectors: Vec<u32>,
}

impl Names {
    fn new(nodes: &[Vertex]) -> Self {
        Self {
            nodes: nodes.len() as u32,
            operators: ascending(nodes.iter().filter_map(|node| node.operator)),
            sectors: ascending(nodes.iter().filter_map(|node| node.sector)),
        }
    }

    /// The number within the cluster; `None` where it is not here.
    fn local(&self, level: usize, number: u32) -> Option<u32> {
        let names = match level {
            0 => return Some(number).filter(|&number| number < self.nodes),
            1 => &self.operators,
            _ => &self.sectors,
        };
        names.binary_search(&number).ok().map(|at| at as u32)
    }

    fn len(&self, level: usize) -> usize {
        [self.nodes as usize, self.operators.len(), self.sectors.len()][level]
    }
}

impl Owners {
    fn new(at: usize, (nodes, names): (&[Vertex], &Names), kinds: &[&TieSet], groups: &[Group]) -> Self {
        let owner = |(node, facility): (usize, &Vertex)| match at {
            0 => Some(node as u32),
            1 => facility.operator.and_then(|operator| names.local(1, operator)),
            _ => facility.sector.and_then(|sector| names.local(2, sector)),
        };
        let of_node: Vec<u32> = nodes.iter().enumerate().map(|one| owner(one).unwrap_or(NOBODY)).collect();
        let observed = (0..nodes.len()).filter(|&node| nodes[node].observed && of_node[node] != NOBODY);
        let ends = kinds.iter().enumerate().flat_map(|(kind, ties)| {
            let own = ties
                .links
                .iter()
                .filter(|(between, ends)| level(*between) == at && (ends[0] != ends[1] || *between == Between::Sector));
            own.flat_map(|(_, [a, b])| [(a, b), (b, a)]).map(move |(a, b)| (*a, *b, kind as u8))
        });
        // An end that is not here ties nobody, but makes the other one unlike those without a link.
        let links =
            ends.filter_map(|(a, b, kind)| Some((names.local(at, a)?, (names.local(at, b).unwrap_or(NOBODY), kind))));
        let own = groups.iter().zip(0..).filter(|(group, _)| group.level == at);
        let members = own.flat_map(|(group, number)| group.members.iter().map(move |&member| (member, number)));
        Self {
            nodes: Lists::grouped(names.len(at), observed.map(|node| (of_node[node], node as u32))),
            links: Lists::grouped(names.len(at), links),
            groups: Lists::grouped(names.len(at), members),
            of_node,
        }
    }

    fn has_ties(&self, owner: u32) -> bool {
        !(self.links.of(owner).is_empty() && self.groups.of(owner).is_empty())
    }
}

/// One organisation: the kind, the level of its members, its members.
struct Group {
    kind: u64,
    level: usize,
    /// Whether it ties facilities of different firms alone.
    by_firm: bool,
    /// As numbered within the cluster.
    members: Vec<u32>,
}

/// What makes two facilities alike at one level.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// No tie at this level.
    Nothing,
    /// The owner itself.
    Owner(u32),
    /// The firm, whatever ties its facilities have.
    Firm(Firm),
    /// The same organisations, whoever the owner is.
    Groups(u32),
}

/// What makes a facility alike to others at all levels, its operator, and its position.
type Keyed = ([Likeness; LEVELS], Option<u32>, u32);

struct Builder<'a> {
    nodes: &'a [Vertex],
    /// Empty at a level where there are no ties.
    owners: [Owners; LEVELS],
    groups: Vec<Group>,
}

impl<'a> Builder<'a> {
    fn new(nodes: &'a [Vertex], kinds: &[&TieSet]) -> Self {
        let names = Names::new(nodes);
        let groups = kinds.iter().enumerate().flat_map(|(position, ties)| {
            let names = &names;
            ties.organisations.iter().map(move |organisation| {
                let level = level(organisation.between);
                let members = organisation.members.iter().filter_map(|&member| names.local(level, member));
                Group { kind: 1 << position, level, by_firm: organisation.by_firm, members: members.collect() }
            })
        });
        let groups: Vec<Group> = groups.collect();
        let owners = std::array::from_fn(|at| {
            let is_linked = || kinds.iter().flat_map(|ties| &ties.links).any(|(between, _)| level(*between) == at);
            let is_used = groups.iter().any(|group| group.level == at) || is_linked();
            if is_used { Owners::new(at, (nodes, &names), kinds, &groups) } else { Owners::default() }
        });
        Self { nodes, owners, groups }
    }

    /// The classes, without what they are joined to.
    fn classes(&self) -> (Lists<u32>, Vec<Inner>) {
        let alike = self.likeness();
        let mut keyed: Vec<Keyed> = Vec::new();
        // Facilities class by class, and of each class where it starts, how it is tied within, and where it ends.
        let mut order: Vec<u32> = Vec::with_capacity(self.nodes.len());
        let mut found: Vec<(usize, Inner, usize)> = Vec::new();
        for (node, facility) in self.nodes.iter().enumerate().filter(|(_, facility)| facility.observed) {
            let key = (alike(node), facility.operator, node as u32);
            if matches!(key.0[0], Likeness::Owner(_)) {
                // It has links of its own: nobody is like it.
                found.push((order.len(), self.inner(key.0, node as u32, 1), order.len() + 1));
                order.push(node as u32);
            } else {
                keyed.push(key);
            }
        }
        keyed.sort_unstable();
        let mut add = |alike: [Likeness; LEVELS], block: usize, nodes: &mut dyn Iterator<Item = u32>| {
            let start = order.len();
            order.extend(nodes);
            found.push((start, self.inner(alike, order[start], block), order.len()));
        };
        for same in keyed.chunk_by(|a, b| a.0 == b.0) {
            if !matches!(same[0].0[1], Likeness::Groups(_)) {
                add(same[0].0, same.len(), &mut same.iter().map(|key| key.2));
                continue;
            }
            let mut by_block: BTreeMap<usize, Vec<&[Keyed]>> = BTreeMap::new();
            for block in same.chunk_by(|a, b| a.1 == b.1) {
                by_block.entry(block.len()).or_default().push(block);
            }
            for (block, blocks) in by_block {
                add(same[0].0, block, &mut blocks.into_iter().flatten().map(|key| key.2));
            }
        }
        found.sort_by_key(|&(start, ..)| order[start]);
        let mut nodes = Lists::with_capacity(found.len(), order.len());
        found.iter().for_each(|&(start, _, end)| nodes.push(order[start..end].iter().copied()));
        (nodes, found.into_iter().map(|(_, inner, _)| inner).collect())
    }

    /// How facilities that are alike are tied to one another: `node` is one of them.
    fn inner(&self, alike: [Likeness; LEVELS], node: u32, block: usize) -> Inner {
        let shared = |level: usize| {
            let Likeness::Groups(_) = alike[level] else { return 0 };
            let groups = self.owners[level].groups.of(self.owners[level].of_node[node as usize]);
            // Facilities of one firm stand in a class by themselves where one of their groups ties firms.
            let groups = groups.iter().map(|&group| &self.groups[group as usize]);
            groups.filter(|group| !group.by_firm).fold(0, |kinds, group| kinds | group.kind)
        };
        let sector = match alike[2] {
            Likeness::Owner(sector) => {
                let links = self.owners[2].links.of(sector).iter().filter(|(other, _)| *other == sector);
                links.fold(0, |kinds, (_, kind)| kinds | 1 << kind)
            }
            _ => 0,
        };
        let within = shared(0) | sector;
        let across = within | shared(1);
        Inner { block: if within == across && within != 0 { 1 } else { block as u32 }, within, across }
    }

    /// What makes each observed facility alike to others, at every level.
    fn likeness(&self) -> impl Fn(usize) -> [Likeness; LEVELS] {
        let mut known: HashMap<Vec<u32>, u32> = HashMap::default();
        // Owners in the same organisations have one number.
        let groups = self.owners.each_ref().map(|owners| {
            let number = |groups: &[u32]| {
                let next = known.len() as u32;
                if groups.is_empty() { NOBODY } else { *known.entry(groups.to_vec()).or_insert(next) }
            };
            owners.groups.iter().map(number).collect::<Vec<u32>>()
        });
        let of_firms = self.in_groups_of_firms();
        let [facilities, operators, _] = &self.owners;
        let is_mixed = |operator: u32| operators.nodes.of(operator).iter().any(|&node| facilities.has_ties(node));
        move |node| {
            std::array::from_fn(|level| {
                let own = || firm(&self.nodes[node], node);
                if level == 1 && !of_firms.is_empty() && of_firms.contains(&own()) {
                    return Likeness::Firm(own());
                }
                let owners = &self.owners[level];
                let Some(&owner) = owners.of_node.get(node).filter(|&&owner| owner != NOBODY) else {
                    return Likeness::Nothing;
                };
                if !owners.links.of(owner).is_empty() {
                    return Likeness::Owner(owner);
                }
                match groups[level][owner as usize] {
                    NOBODY => Likeness::Nothing,
                    _ if level == 1 && is_mixed(owner) => Likeness::Owner(owner),
                    groups => Likeness::Groups(groups),
                }
            })
        }
    }

    /// Firms with a facility in a group that ties firms.
    fn in_groups_of_firms(&self) -> BTreeSet<Firm> {
        let groups = self.groups.iter().filter(|group| group.by_firm);
        groups.flat_map(|group| &group.members).map(|&node| firm(&self.nodes[node as usize], node as usize)).collect()
    }

    /// Finds what each class is joined to; and, where that is wanted, in which kinds.
    fn join(&self, classes: &Lists<u32>, has_kinds: bool) -> (Lists<u32>, Vec<u64>) {
        let mut class_of = vec![NOBODY; self.nodes.len()];
        for (class, nodes) in classes.iter().enumerate() {
            nodes.iter().for_each(|&node| class_of[node as usize] = class as u32);
        }
        let of_group = |group: &Group| {
            let owners = &self.owners[group.level];
            let nodes = group.members.iter().flat_map(|&member| owners.nodes.of(member));
            ascending(nodes.map(|&node| class_of[node as usize]))
        };
        let groups: Vec<Vec<u32>> = self.groups.iter().map(of_group).collect();
        let links = self.owners.iter().map(|owners| owners.links.items().len()).sum();
        let (mut adjacent, mut all_kinds) = (Lists::with_capacity(classes.len(), links), Vec::new());
        let (mut met, mut touched) = (vec![0_u64; classes.len()], Vec::new());
        for (class, nodes) in classes.iter().enumerate() {
            let mut meet = |other: u32, kinds: u64| {
                if other as usize != class {
                    if met[other as usize] == 0 {
                        touched.push(other);
                    }
                    met[other as usize] |= kinds;
                }
            };
            for level in 0..LEVELS {
                self.join_at(level, nodes[0], &groups, (classes, &class_of), &mut meet);
            }
            touched.sort_unstable();
            if has_kinds {
                all_kinds.extend(touched.iter().map(|&other| met[other as usize]));
            }
            touched.iter().for_each(|&other| met[other as usize] = 0);
            adjacent.push(touched.drain(..));
        }
        (adjacent, all_kinds)
    }

    /// Meets all classes that a facility is tied to at one level.
    fn join_at(
        &self,
        level: usize,
        node: u32,
        groups: &[Vec<u32>],
        (classes, class_of): (&Lists<u32>, &[u32]),
        meet: &mut impl FnMut(u32, u64),
    ) {
        let owners = &self.owners[level];
        let Some(&own) = owners.of_node.get(node as usize).filter(|&&own| own != NOBODY) else { return };
        for &(other, kind) in owners.links.of(own) {
            owners.nodes.of(other).iter().for_each(|&node| meet(class_of[node as usize], 1 << kind));
        }
        for &group in owners.groups.of(own) {
            let Group { kind, by_firm, .. } = self.groups[group as usize];
            // Facilities of one operator are not tied by an organisation of operators, or of their plants.
            let firm_of = |node: u32| firm(&self.nodes[node as usize], node as usize);
            let others = groups[group as usize].iter().filter(|&&other| {
                let other = classes.of(other)[0];
                owners.of_node[other as usize] != own && !(by_firm && firm_of(other) == firm_of(node))
            });
            others.for_each(|&other| meet(other, kind));
        }
    }
}

/// An operator, or a facility without one.
type Firm = (Option<u32>, u32);

/// The firm of a facility.
fn firm(facility: &Vertex, node: usize) -> Firm {
    (facility.operator, if facility.operator.is_some() { 0 } else { node as u32 })
}
