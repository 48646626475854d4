//! Draws of ties: which of the files' are ties, and which others there may be.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::draws::Numbers;
use super::settings::TieError;
use crate::error::{Error, Result};
use crate::measure::{ClusterPairs, KindPairs};
use crate::sql::Expression;
use crate::validate::settings::Between;
use crate::validate::{TieBuilder, TieRow, TieTable, Ties};

/// The name of the source that drawn ties come from.
const DRAWN: &str = "drawn";

/// How the ties of a run are drawn, and among whom there may be others.
pub struct TieDraw {
    error: TieError,
    /// Kinds of which ties may be added.
    pairs: Vec<KindPairs>,
    /// True of no facility.
    nobody: Expression,
}

impl TieError {
    /// The rates of a kind.
    pub fn of_kind(&self, kind: &str) -> &TieError {
        self.of.get(kind).unwrap_or(self)
    }

    /// Whether ties of a kind are added.
    pub fn adds(&self, kind: &str) -> bool {
        let rates = self.of_kind(kind);
        rates.add > 0.0 || rates.unobserved.is_some()
    }
}

impl TieDraw {
    /// `pairs`: of the kinds of which ties may be added, all facilities of each cluster and who is tied to whom.
    ///
    /// # Errors
    ///
    /// [`Error::Defect`], if SQL has changed.
    pub fn new(error: TieError, pairs: Vec<KindPairs>) -> Result<Self> {
        let nobody = Expression::parse("1 = 0", DRAWN).map_err(|problem| Error::Defect { message: problem.message })?;
        Ok(Self { error, pairs, nobody })
    }

    /// One draw.
    ///
    /// # Errors
    ///
    /// [`Error::Table`] if polars fails.
    pub fn drawn(&self, tables: &[TieTable], numbers: &mut Numbers) -> Result<Vec<TieTable>> {
        let key = numbers.key();
        let mut drawn: Vec<TieTable> = tables.iter().map(|table| self.thinned(table, key)).collect::<Result<_>>()?;
        for pairs in &self.pairs {
            let rates = self.error.of_kind(&pairs.kind);
            let mut rows = TieBuilder::default();
            for cluster in &pairs.clusters {
                added(
                    cluster,
                    rates.add,
                    |cluster, a, b| cluster.observed[a] && cluster.observed[b],
                    numbers,
                    &mut rows,
                );
                if let Some(rate) = rates.unobserved {
                    let unknown =
                        |cluster: &ClusterPairs, a: usize, b: usize| !(cluster.observed[a] && cluster.observed[b]);
                    added(cluster, rate, unknown, numbers, &mut rows);
                }
            }
            drawn.push(TieTable {
                name: DRAWN.to_owned(),
                kind: pairs.kind.clone(),
                between: Between::Facility,
                directed: false,
                inferred: true,
                observed: rates.unobserved.is_none().then(|| self.nobody.clone()),
                ties: Ties::Links(rows.finish()),
                perimeters: Vec::new(),
            });
        }
        Ok(drawn)
    }

    /// The rows that are ties in a draw: by what they say, so that neither their place nor a second row of the
    /// same matters, be it the other way round.
    fn thinned(&self, table: &TieTable, key: u64) -> Result<TieTable> {
        let keep = self.error.of_kind(&table.kind).keep;
        if keep >= 1.0 || table.is_potential() {
            return Ok(table.clone());
        }
        let is_kept = |row: TieRow<'_>| {
            let (mut a, mut b) = (row.from, row.to);
            if table.is_links() && !table.directed && a > b {
                (a, b) = (b, a);
            }
            let text = format!("{}\0{a}\0{b}\0{:?}", table.kind, row.from_year);
            let number = (xxh3_64_with_seed(text.as_bytes(), key) >> 11) as f64 / (1_u64 << 53) as f64;
            number < keep
        };
        let kept = table.rows().filter(&table.rows().iter().map(is_kept).collect::<Vec<bool>>())?;
        let ties = if table.is_links() { Ties::Links(kept) } else { Ties::Memberships(kept) };
        let TieTable { name, kind, between, directed, inferred, observed, perimeters, .. } = table;
        Ok(TieTable {
            name: name.clone(),
            kind: kind.clone(),
            between: *between,
            directed: *directed,
            inferred: *inferred,
            observed: observed.clone(),
            perimeters: perimeters.clone(),
            ties,
        })
    }
}

/// Adds ties between pairs of a cluster that are of one sort and of two firms, each with the same probability.
fn added(
    cluster: &ClusterPairs,
    rate: f64,
    is_of_sort: impl Fn(&ClusterPairs, usize, usize) -> bool,
    numbers: &mut Numbers,
    rows: &mut TieBuilder,
) {
    let tied: HashSet<(u32, u32)> = cluster.tied.iter().copied().collect();
    for (a, b) in chosen(cluster.ids.len(), rate, numbers) {
        let of_one_firm = cluster.operators[a].is_some() && cluster.operators[a] == cluster.operators[b];
        if of_one_firm || tied.contains(&(a as u32, b as u32)) || !is_of_sort(cluster, a, b) {
            continue;
        }
        rows.push(&TieRow {
            levels: [Between::Facility; 2],
            from: &cluster.ids[a],
            to: &cluster.ids[b],
            weight: None,
            from_year: cluster.period,
            to_year: cluster.period,
            source: None,
            share: None,
            role: None,
            file: DRAWN,
            line: 0,
        });
    }
}

/// Of all pairs below a number each with the same probability, the smaller first: from one to the next by the geometric
/// distribution of the gaps.
fn chosen(count: usize, rate: f64, numbers: &mut Numbers) -> Vec<(usize, usize)> {
    let all = count * count.saturating_sub(1) / 2;
    let mut found = Vec::new();
    if rate <= 0.0 {
        return found;
    }
    let mut next = 0_usize;
    // The first pair of each smaller member.
    let (mut a, mut begins) = (0, 0);
    loop {
        let gap = if rate >= 1.0 { 0.0 } else { (numbers.number().ln() / (-rate).ln_1p()).floor() };
        if gap >= (all - next) as f64 {
            return found;
        }
        next += gap as usize;
        while next >= begins + (count - 1 - a) {
            begins += count - 1 - a;
            a += 1;
        }
        found.push((a, a + 1 + next - begins));
        next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::draws::{At, Origin, Purpose};
    use super::super::settings::Points;
    use super::*;

    #[test]
    fn pairs_are_chosen_at_their_rate_and_all_of_them_may_be() {
        let origin = Origin { seed: 3, points: Points::Random, purpose: Purpose::Replicates };
        let mut numbers = origin.numbers("pairs", At { row: 0, second: false }, None);
        let all = chosen(7, 1.0, &mut numbers);
        let wanted: Vec<(usize, usize)> = (0..7).flat_map(|a| (a + 1..7).map(move |b| (a, b))).collect();
        assert_eq!(all, wanted);
        assert!(chosen(1, 0.5, &mut numbers).is_empty() && chosen(0, 1.0, &mut numbers).is_empty());
        let mut counts = vec![0_u32; 45];
        for _ in 0..4000 {
            for (a, b) in chosen(10, 0.2, &mut numbers) {
                counts[a * 9 - a * a.saturating_sub(1) / 2 + b - a - 1] += 1;
            }
        }
        // Binomial: 800, standard deviation 25.3.
        assert!(counts.iter().all(|count| (count.abs_diff(800)) < 120), "{counts:?}");
    }
}
