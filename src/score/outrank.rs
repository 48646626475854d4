//! Copeland's rule: a unit scores by how many others it beats, pair by pair, over the children that both have.

use rayon::prelude::*;

use crate::declared::SLACK;

/// The children's scores of all units of a sample, of children that weigh something.
#[derive(Debug, Clone, PartialEq)]
pub struct Outranking {
    /// One list a child, one entry a unit; NaN where there is no score.
    columns: Vec<Vec<f64>>,
    weights: Vec<f64>,
    /// How far scores may lie apart and be one.
    slack: f64,
}

impl Outranking {
    /// Of the scores and weights of the children of a node; `of_sums`: see [`super::Parameters::of_sums`].
    pub fn new(children: &[(&[f64], f64)], of_sums: bool) -> Self {
        let (columns, weights) = children.iter().map(|(scores, weight)| (scores.to_vec(), *weight)).unzip();
        Self { columns, weights, slack: if of_sums { SLACK } else { 0.0 } }
    }

    /// Units that it beats less units that beat it: a unit beats another where it is better on more than half of the
    /// weight of what both have, equal scores halved. `None` for a unit without any score.
    ///
    /// # Source
    ///
    /// Copeland (1951), as in Munda & Nardo (2009); ties and weights as in COINr.
    pub fn score(&self, scores: &[f64]) -> Option<f64> {
        if scores.iter().all(|score| score.is_nan()) {
            return None;
        }
        let units = self.columns.first().map_or(0, Vec::len);
        let mut margins = vec![0.0; units];
        for ((column, weight), score) in self.columns.iter().zip(&self.weights).zip(scores) {
            for (margin, other) in margins.iter_mut().zip(column) {
                // Neither where one of them has no score.
                let slack = self.slack * score.abs().max(1.0);
                let (wins, loses) = (*score > other + slack, *score < other - slack);
                *margin += weight * (f64::from(u8::from(wins)) - f64::from(u8::from(loses)));
            }
        }
        let total: f64 = self.weights.iter().sum();
        let duel = |margin: &f64| {
            if *margin > SLACK * total {
                1.0
            } else if *margin < -SLACK * total {
                -1.0
            } else {
                0.0
            }
        };
        Some(margins.iter().map(duel).sum())
    }

    /// The score of each of some units: one list a child.
    pub fn column(&self, children: &[&[f64]]) -> Vec<f64> {
        let units = children.first().map_or(0, |column| column.len());
        let of = |unit: usize| {
            let scores: Vec<f64> = children.iter().map(|column| column[unit]).collect();
            self.score(&scores).unwrap_or(f64::NAN)
        };
        (0..units).into_par_iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// a: 3 2 1, b: 1 3 1 with weights 2 and 1. The first beats both; the second beats the third on b and a; the third
    /// loses to both.
    #[test]
    fn duels_by_hand() {
        let (a, b) = ([3.0, 2.0, 1.0], [1.0, 3.0, 1.0]);
        let outranking = Outranking::new(&[(&a, 2.0), (&b, 1.0)], false);
        assert_eq!(outranking.column(&[&a, &b]), [2.0, 0.0, -2.0]);
        // One child against the other, with as much weight: nobody wins.
        let even = Outranking::new(&[(&[1.0, 2.0], 0.3), (&[2.0, 1.0], 0.3)], false);
        assert_eq!(even.column(&[&[1.0, 2.0], &[2.0, 1.0]]), [0.0, 0.0]);
        // What one of them lacks decides nothing.
        let gaps = Outranking::new(&[(&[1.0, f64::NAN], 5.0), (&[2.0, 1.0], 1.0)], false);
        assert_eq!(gaps.column(&[&[1.0, f64::NAN], &[2.0, 1.0]]), [1.0, -1.0]);
        assert_eq!(gaps.score(&[f64::NAN, f64::NAN]), None);
    }
}
