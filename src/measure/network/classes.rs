//! The graph of a cluster by classes: facilities that are tied to the same others stand together, so that a body of
//! 20,000 members is one class and not 200 million pairs.

use std::collections::{BTreeMap, BTreeSet};

use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use super::{TieSet, Vertex};
use crate::validate::settings::Between;

type HashMap<K, V> = std::collections::HashMap<K, V, Xxh3DefaultBuilder>;

/// What ends and members may name, by position of [`level`].
const LEVELS: usize = 3;

fn level(between: Between) -> usize {
    match between {
        Between::Facility => 0,
        Between::Operator => 1,
        Between::Sector => 2,
    }
}

/// Facilities with the same ties. They come in blocks of one operator each, all of one size.
#[derive(Debug, Clone)]
pub struct Class {
    /// Its observed facilities, ascending, by operator.
    pub nodes: Vec<u32>,
    /// Facilities a block: of one operator, or one alone where those of one operator are tied as well.
    pub block: usize,
    /// Kinds in which facilities of one block are tied: a bit a kind.
    within: u64,
    /// Kinds in which facilities of different blocks are; never fewer than `within`.
    across: u64,
    /// Classes all of whose facilities are tied to all of this one, ascending, with the kinds.
    pub adjacent: Vec<(u32, u64)>,
}

impl Class {
    /// Ties of one facility to others of its class.
    pub fn inner_degree(&self) -> usize {
        let across = if self.across == 0 { 0 } else { self.nodes.len() - self.block };
        if self.within == 0 { across } else { self.nodes.len() - 1 }
    }

    /// Pairs tied within the class.
    pub fn inner_ties(&self) -> u64 {
        (self.nodes.len() * self.inner_degree()) as u64 / 2
    }

    /// Pairs tied within the class, in at least `least` kinds.
    fn inner_ties_of(&self, least: u32) -> u64 {
        let (all, block) = (self.nodes.len() as u64, self.block as u64);
        let within = if self.within.count_ones() >= least { all * (block - 1) / 2 } else { 0 };
        let across = if self.across.count_ones() >= least { all * (all - block) / 2 } else { 0 };
        within + across
    }
}

/// The observed facilities of a cluster by classes.
#[derive(Debug, Clone)]
pub struct Classes {
    /// The classes.
    pub classes: Vec<Class>,
    /// Observed facilities.
    pub count: usize,
}

/// Links and groups of what facilities have in common at one level: themselves, an operator, a sector. All lists are by owner.
#[derive(Default)]
struct Owners {
    /// Observed facilities of each owner that has a tie.
    nodes: Vec<(u32, u32)>,
    links: Vec<(u32, (u32, u64))>,
    groups: Vec<(u32, u32)>,
}

impl Owners {
    fn has_ties(&self, owner: u32) -> bool {
        !of(&self.links, owner).is_empty() || !of(&self.groups, owner).is_empty()
    }
}

/// The entries of one owner.
fn of<T>(list: &[(u32, T)], owner: u32) -> &[(u32, T)] {
    let first = list.partition_point(|entry| entry.0 < owner);
    let count = list[first..].iter().take_while(|entry| entry.0 == owner).count();
    &list[first..first + count]
}

/// One organisation: the kind, the level of its members, its members.
struct Group<'a> {
    kind: u64,
    level: usize,
    /// Whether it ties facilities of different firms alone.
    by_firm: bool,
    members: &'a [u32],
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

struct Builder<'a> {
    nodes: &'a [Vertex],
    owners: [Owners; LEVELS],
    groups: Vec<Group<'a>>,
}

impl Classes {
    /// Classes of the observed facilities under the ties of one kind or, for pairs tied in several, of up to 64.
    pub fn new(nodes: &[Vertex], kinds: &[&TieSet]) -> Self {
        let builder = Builder::new(nodes, kinds);
        let mut classes = builder.classes();
        builder.join(&mut classes);
        Self { count: classes.iter().map(|class| class.nodes.len()).sum(), classes }
    }

    /// Ties of each facility of a class.
    pub fn degree(&self, class: &Class) -> usize {
        let size = |&(other, _): &(u32, u64)| self.size(other);
        class.inner_degree() + class.adjacent.iter().map(size).sum::<usize>()
    }

    /// Facilities of a class.
    pub fn size(&self, class: u32) -> usize {
        self.classes[class as usize].nodes.len()
    }

    /// Tied pairs.
    pub fn ties(&self) -> u64 {
        self.classes.iter().map(|class| (class.nodes.len() * self.degree(class)) as u64).sum::<u64>() / 2
    }

    /// Pairs tied in at least so many kinds.
    pub fn ties_of(&self, least: u32) -> u64 {
        let outer = |class: &Class| {
            let kinds = class.adjacent.iter().filter(|(_, kinds)| kinds.count_ones() >= least);
            kinds.map(|&(other, _)| (class.nodes.len() * self.size(other)) as u64).sum::<u64>()
        };
        let inner: u64 = self.classes.iter().map(|class| class.inner_ties_of(least)).sum();
        inner + self.classes.iter().map(outer).sum::<u64>() / 2
    }

    /// All tied pairs, each once, the smaller position first, ascending.
    pub fn pairs(&self, nodes: &[Vertex]) -> Vec<(u32, u32)> {
        let mut pairs = Vec::new();
        for class in &self.classes {
            for (at, &node) in class.nodes.iter().enumerate() {
                let operator = |other: u32| nodes[other as usize].operator;
                let tied = |other: u32| class.within != 0 || class.across != 0 && operator(node) != operator(other);
                pairs.extend(class.nodes[at + 1..].iter().filter(|&&other| tied(other)).map(|&other| (node, other)));
                let others = class.adjacent.iter().flat_map(|&(other, _)| &self.classes[other as usize].nodes);
                pairs.extend(others.filter(|&&other| other > node).map(|&other| (node, other)));
            }
        }
        pairs.iter_mut().filter(|pair| pair.0 > pair.1).for_each(|pair| *pair = (pair.1, pair.0));
        pairs.sort_unstable();
        pairs
    }
}

impl<'a> Builder<'a> {
    fn new(nodes: &'a [Vertex], kinds: &[&'a TieSet]) -> Self {
        let mut builder = Self { nodes, owners: Default::default(), groups: Vec::new() };
        for (position, ties) in kinds.iter().enumerate() {
            let kind = 1 << position;
            for &(between, [a, b]) in
                ties.links.iter().filter(|(between, [a, b])| a != b || *between == Between::Sector)
            {
                let links = &mut builder.owners[level(between)].links;
                links.extend([(a, (b, kind)), (b, (a, kind))]);
            }
            for organisation in &ties.organisations {
                let level = level(organisation.between);
                let number = builder.groups.len() as u32;
                let members = organisation.members.iter();
                builder.owners[level].groups.extend(members.map(|&member| (member, number)));
                let by_firm = organisation.by_firm;
                builder.groups.push(Group { kind, level, by_firm, members: &organisation.members });
            }
        }
        for owners in &mut builder.owners {
            owners.links.sort_unstable();
            owners.groups.sort_unstable();
        }
        for (node, facility) in nodes.iter().enumerate().filter(|(_, facility)| facility.observed) {
            for (level, owners) in builder.owners.iter_mut().enumerate() {
                if let Some(owner) = owner(facility, node, level).filter(|&owner| owners.has_ties(owner)) {
                    owners.nodes.push((owner, node as u32));
                }
            }
        }
        builder.owners.iter_mut().for_each(|owners| owners.nodes.sort_unstable());
        builder
    }

    /// The classes, without what they are joined to.
    fn classes(&self) -> Vec<Class> {
        let alike = self.likeness();
        let mut keyed: Vec<([Likeness; LEVELS], Option<u32>, u32)> = (0..self.nodes.len())
            .filter_map(|node| Some((alike[node]?, self.nodes[node].operator, node as u32)))
            .collect();
        keyed.sort_unstable();
        let mut found: Vec<([Likeness; LEVELS], usize, Vec<u32>)> = Vec::new();
        for same in keyed.chunk_by(|a, b| a.0 == b.0) {
            let nodes = |some: &[([Likeness; LEVELS], Option<u32>, u32)]| some.iter().map(|entry| entry.2).collect();
            if !matches!(same[0].0[1], Likeness::Groups(_)) {
                found.push((same[0].0, same.len(), nodes(same)));
                continue;
            }
            let mut by_block: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
            for block in same.chunk_by(|a, b| a.1 == b.1) {
                by_block.entry(block.len()).or_default().extend(nodes(block) as Vec<u32>);
            }
            found.extend(by_block.into_iter().map(|(block, nodes)| (same[0].0, block, nodes)));
        }
        let class = |(alike, block, nodes): ([Likeness; LEVELS], usize, Vec<u32>)| {
            let shared = |level: usize| {
                let owner = owner(&self.nodes[nodes[0] as usize], nodes[0] as usize, level);
                let groups = owner.map_or(&[][..], |owner| of(&self.owners[level].groups, owner));
                // Facilities of one firm stand in a class by themselves where one of their groups ties firms.
                let groups = groups.iter().map(|&(_, group)| &self.groups[group as usize]);
                let kinds = groups.filter(|group| !group.by_firm).fold(0, |kinds, group| kinds | group.kind);
                if matches!(alike[level], Likeness::Groups(_)) { kinds } else { 0 }
            };
            let sector = match alike[2] {
                Likeness::Owner(sector) => {
                    let links = of(&self.owners[2].links, sector).iter().filter(|(_, (other, _))| *other == sector);
                    links.fold(0, |kinds, (_, (_, kind))| kinds | kind)
                }
                _ => 0,
            };
            let within = shared(0) | sector;
            let across = within | shared(1);
            let block = if within == across && within != 0 { 1 } else { block };
            Class { nodes, block, within, across, adjacent: Vec::new() }
        };
        let mut classes: Vec<Class> = found.into_iter().map(class).collect();
        classes.sort_by_key(|class| class.nodes[0]);
        classes
    }

    /// What makes each observed facility alike to others, at every level.
    fn likeness(&self) -> Vec<Option<[Likeness; LEVELS]>> {
        let mut known: HashMap<Vec<u32>, u32> = HashMap::default();
        let mut groups: Vec<Vec<(u32, u32)>> = Vec::new();
        for owners in &self.owners {
            let mut of_level = Vec::new();
            for own in owners.groups.chunk_by(|a, b| a.0 == b.0) {
                let next = known.len() as u32;
                let list = own.iter().map(|entry| entry.1).collect();
                of_level.push((own[0].0, *known.entry(list).or_insert(next)));
            }
            groups.push(of_level);
        }
        let is_mixed =
            |operator: u32| of(&self.owners[1].nodes, operator).iter().any(|&(_, node)| self.owners[0].has_ties(node));
        let of_firms = self.in_groups_of_firms();
        let of_node = |(node, facility): (usize, &Vertex)| {
            facility.observed.then(|| {
                std::array::from_fn(|level| {
                    if level == 1 && of_firms.contains(&firm(facility, node)) {
                        return Likeness::Firm(firm(facility, node));
                    }
                    let Some(owner) = owner(facility, node, level) else { return Likeness::Nothing };
                    if !of(&self.owners[level].links, owner).is_empty() {
                        return Likeness::Owner(owner);
                    }
                    match of(&groups[level], owner) {
                        [] => Likeness::Nothing,
                        _ if level == 1 && is_mixed(owner) => Likeness::Owner(owner),
                        [(_, groups), ..] => Likeness::Groups(*groups),
                    }
                })
            })
        };
        self.nodes.iter().enumerate().map(of_node).collect()
    }

    /// Firms with a facility in a group that ties firms.
    fn in_groups_of_firms(&self) -> BTreeSet<Firm> {
        let groups = self.groups.iter().filter(|group| group.by_firm);
        groups.flat_map(|group| group.members).map(|&node| firm(&self.nodes[node as usize], node as usize)).collect()
    }

    /// Finds what each class is joined to.
    fn join(&self, classes: &mut [Class]) {
        let mut of_node = vec![u32::MAX; self.nodes.len()];
        for (position, class) in classes.iter().enumerate() {
            class.nodes.iter().for_each(|&node| of_node[node as usize] = position as u32);
        }
        let standing = |level: usize, owner: u32| {
            of(&self.owners[level].nodes, owner).iter().map(|&(_, node)| of_node[node as usize])
        };
        let of_group = |group: &Group<'_>| {
            let mut found: Vec<u32> = group.members.iter().flat_map(|&member| standing(group.level, member)).collect();
            found.sort_unstable();
            found.dedup();
            found
        };
        let groups: Vec<Vec<u32>> = self.groups.iter().map(of_group).collect();
        let first: Vec<u32> = classes.iter().map(|class| class.nodes[0]).collect();
        let mut met = vec![0_u64; classes.len()];
        for (position, class) in classes.iter_mut().enumerate() {
            let mut touched = Vec::new();
            let mut meet = |other: u32, kinds: u64| {
                if other as usize != position {
                    if met[other as usize] == 0 {
                        touched.push(other);
                    }
                    met[other as usize] |= kinds;
                }
            };
            for level in 0..LEVELS {
                self.join_at(level, first[position], (&groups, &first), &standing, &mut meet);
            }
            touched.sort_unstable();
            class.adjacent = touched.into_iter().map(|other| (other, met[other as usize])).collect();
            class.adjacent.iter().for_each(|&(other, _)| met[other as usize] = 0);
        }
    }

    /// Meets all classes that a facility is tied to at one level.
    fn join_at<Members: Iterator<Item = u32>>(
        &self,
        level: usize,
        node: u32,
        (groups, first): (&[Vec<u32>], &[u32]),
        standing: &impl Fn(usize, u32) -> Members,
        meet: &mut impl FnMut(u32, u64),
    ) {
        let owner_of = |node: u32| owner(&self.nodes[node as usize], node as usize, level);
        let Some(own) = owner_of(node) else { return };
        for &(_, (other, kinds)) in of(&self.owners[level].links, own) {
            standing(level, other).for_each(|other| meet(other, kinds));
        }
        for &(_, group) in of(&self.owners[level].groups, own) {
            let kinds = self.groups[group as usize].kind;
            // Facilities of one operator are not tied by an organisation of operators, or of their plants.
            let by_firm = self.groups[group as usize].by_firm;
            let firm_of = |node: u32| firm(&self.nodes[node as usize], node as usize);
            let others = groups[group as usize].iter().filter(|&&other| {
                let other = first[other as usize];
                owner_of(other) != Some(own) && !(by_firm && firm_of(other) == firm_of(node))
            });
            others.for_each(|&other| meet(other, kinds));
        }
    }
}

/// An operator, or a facility without one.
type Firm = (Option<u32>, u32);

/// The firm of a facility.
fn firm(facility: &Vertex, node: usize) -> Firm {
    (facility.operator, if facility.operator.is_some() { 0 } else { node as u32 })
}

/// What a facility has in common with others at a level.
fn owner(facility: &Vertex, node: usize, level: usize) -> Option<u32> {
    match level {
        0 => Some(node as u32),
        1 => facility.operator,
        _ => facility.sector,
    }
}
