//! Weights that nobody gave one by one: from the scores of the children, or from what people judged.

use std::collections::BTreeMap;

use nalgebra::{DMatrix, SymmetricEigen};

use super::matrix::{Columns, Matrix};
use super::shape::Child;
use super::{Model, Observation, Tree, Weighting};
use crate::declared::{SLACK, at_most};
use crate::error::Problem;
use crate::statistics::{deviation, is_constant, pearson};
use crate::validate::Judgement;

/// A score tree with all its weights, and how they came about.
#[derive(Debug, Clone)]
pub struct Weighed {
    /// The tree.
    pub model: Model,
    /// Of the weights under each node that were judged in pairs: the consistency ratio.
    pub consistency: Vec<Option<f64>>,
}

/// The principal components of some columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Components {
    /// Standard deviation of each component, descending.
    pub deviations: Vec<f64>,
    /// Loadings: one list a component, one entry a column; the greatest of each (of equal ones the first) is above 0.
    pub loadings: Vec<Vec<f64>>,
    /// Units that have all of the columns.
    pub units: usize,
}

impl Model {
    /// Works out the weights under every node, from the bottom up, and finds the units that others are compared with. A
    /// child of weight 0 keeps it.
    ///
    /// # Errors
    ///
    /// Every problem: judgements that do not fit the children or contradict each other, scores that no weights can be
    /// made of.
    pub fn weighed(
        &self,
        tree: Tree<'_>,
        columns: &[Vec<Observation>],
        judgements: &BTreeMap<String, Judgement>,
    ) -> Result<Weighed, Vec<Problem>> {
        let mut model = self.clone();
        let mut consistency = vec![None; self.shape.nodes().len()];
        let weightings = tree.weightings();
        if weightings.iter().all(|weighting| **weighting == Weighting::Given) {
            return Ok(Weighed { model, consistency });
        }
        let names: Vec<&str> = tree.indicators.iter().map(|one| one.id.as_str()).collect();
        let matrix = Matrix::new(&self.parameters, columns);
        let leaves = self.parameters.fit(&self.shape, &matrix).leaves(&matrix, 0..matrix.units());
        let mut nodes: Columns = vec![Vec::new(); self.shape.nodes().len()];
        let mut problems = Vec::new();
        for &node in self.shape.upward() {
            let children = model.parameters.weighing(&self.shape, node);
            let of = |child: &Child| match *child {
                Child::Indicator(at) => (names[at], leaves[at].as_slice()),
                Child::Node(at) => (self.shape.nodes()[at].id.as_str(), nodes[at].as_slice()),
            };
            let (names, scores) = children.iter().map(of).unzip();
            let place = self.shape.place(node);
            match (Group { names, scores }).weights(weightings[node], judgements.get(&place)) {
                Ok((weights, ratio)) => {
                    consistency[node] = ratio;
                    let weighed = children.iter().zip(weights.into_iter().flatten());
                    weighed.for_each(|(child, weight)| model.parameters.set_weight(*child, weight));
                }
                Err(message) => problems.push(problem(&place, message)),
            }
            let scorer = model.parameters.fit(&self.shape, &matrix);
            nodes[node] = scorer.column(node, (&leaves, &nodes), None, false);
        }
        if problems.is_empty() { Ok(Weighed { model, consistency }) } else { Err(problems) }
    }
}

fn problem(place: &str, message: String) -> Problem {
    Problem::new(format!("{place}.weights"), message, "take other weights for it, or leave out what does not fit")
}

/// Weights, one a child, and a consistency ratio.
type Weights = (Option<Vec<f64>>, Option<f64>);

/// The children of a node that weigh something.
struct Group<'a> {
    names: Vec<&'a str>,
    /// One list a child, one entry a unit; NaN where there is no score.
    scores: Vec<&'a [f64]>,
}

impl Group<'_> {
    /// The weights, one a child (`None`: those that were given), and their consistency ratio where they were judged in
    /// pairs.
    fn weights(&self, weighting: &Weighting, judgement: Option<&Judgement>) -> Result<Weights, String> {
        let of_scores = match weighting {
            Weighting::Given => return Ok((None, None)),
            Weighting::Ahp(source) => {
                let (weights, ratio) = self.pairwise(judgement, source.max_inconsistency)?;
                return Ok((Some(weights), Some(ratio)));
            }
            Weighting::Budget(_) => self.budget(judgement),
            // Of one child alone there is nothing to weigh.
            _ if self.names.len() < 2 => Ok(vec![1.0; self.names.len()]),
            Weighting::Equal => Ok(vec![1.0; self.names.len()]),
            Weighting::Pca => self.pca().and_then(|loadings| self.refuse_negative(loadings)),
            Weighting::PcaSquared => Ok(self.pca()?.into_iter().map(|loading| loading * loading).collect()),
            Weighting::Entropy => self.entropy(),
            Weighting::Critic => self.critic(),
        };
        of_scores.map(|weights| (Some(weights), None))
    }

    /// Loadings of the first principal component.
    fn pca(&self) -> Result<Vec<f64>, String> {
        let components = components(&self.scores).map_err(|at| match at {
            Some(at) => format!(
                "`{}` is the same in all units that have every score: no component can be made of it",
                self.names[at]
            ),
            None => "too few units have every score: no component can be made of them".to_owned(),
        })?;
        Ok(components.loadings[0].clone())
    }

    fn refuse_negative(&self, loadings: Vec<f64>) -> Result<Vec<f64>, String> {
        match loadings.iter().position(|loading| *loading < 0.0) {
            None => Ok(loadings),
            Some(at) => Err(format!(
                "`{}` has a loading of {:.3} on the first component: with a weight below 0 more of it would count against a cluster",
                self.names[at], loadings[at]
            )),
        }
    }

    /// Shannon's entropy of the shares of the units in the sum: the more even, the less weight.
    ///
    /// # Source
    ///
    /// Zeleny (1982), Multiple Criteria Decision Making.
    fn entropy(&self) -> Result<Vec<f64>, String> {
        let mut spreads = Vec::with_capacity(self.names.len());
        for (name, scores) in self.names.iter().zip(&self.scores) {
            let known: Vec<f64> = scores.iter().copied().filter(|score| !score.is_nan()).collect();
            if known.iter().any(|score| *score < 0.0) {
                return Err(format!("`{name}` has scores below 0, which have no entropy"));
            }
            let sum: f64 = known.iter().sum();
            let shares = known.iter().map(|score| score / sum).filter(|share| *share > 0.0);
            let entropy = -shares.map(|share| share * share.ln()).sum::<f64>() / (known.len() as f64).ln();
            spreads.push(if known.len() < 2 || sum <= 0.0 { 0.0 } else { (1.0 - entropy).max(0.0) });
        }
        self.of_spreads(&spreads)
    }

    /// Standard deviation times the sum of 1 less the correlation with each.
    ///
    /// # Source
    ///
    /// Diakoulaki, Mavrotas & Papayannakis (1995), Computers & Operations Research 22(7).
    fn critic(&self) -> Result<Vec<f64>, String> {
        let of = |at: usize| {
            let own: Vec<f64> = self.scores[at].iter().copied().filter(|score| !score.is_nan()).collect();
            let conflict = |other: &&[f64]| {
                let (a, b) = complete_pairs(self.scores[at], other);
                1.0 - pearson(&a, &b).unwrap_or(0.0)
            };
            let spread = if is_constant(&own) { 0.0 } else { deviation(&own).unwrap_or(0.0) };
            let others = self.scores.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, scores)| scores);
            spread * others.map(conflict).sum::<f64>()
        };
        self.of_spreads(&(0..self.names.len()).map(of).collect::<Vec<f64>>())
    }

    fn of_spreads(&self, spreads: &[f64]) -> Result<Vec<f64>, String> {
        let sum: f64 = spreads.iter().sum();
        if sum > 0.0 && sum.is_finite() {
            return Ok(spreads.iter().map(|spread| spread / sum).collect());
        }
        Err(format!("{} do not differ between units: nothing says what should weigh more", self.names.join(", ")))
    }

    /// The mean over persons of the share that each gave to a child.
    fn budget(&self, judgement: Option<&Judgement>) -> Result<Vec<f64>, String> {
        let judgement = judgement.ok_or("nobody has given points")?;
        let columns = self.positions(&judgement.columns, "column")?;
        let mut weights = vec![0.0; self.names.len()];
        for (person, cells) in judgement.rows.iter().zip(&judgement.cells) {
            let points: Option<Vec<f64>> = columns.iter().map(|&at| cells[at]).collect();
            let points = points.ok_or_else(|| format!("{person} has not given points to all"))?;
            let sum: f64 = points.iter().sum();
            if points.iter().any(|points| *points < 0.0) || sum <= 0.0 {
                return Err(format!("the points of {person} are not all 0 or more, or all are 0"));
            }
            weights.iter_mut().zip(&points).for_each(|(weight, points)| *weight += points / sum);
        }
        if judgement.rows.is_empty() {
            return Err("nobody has given points".into());
        }
        Ok(weights.into_iter().map(|weight| weight / judgement.rows.len() as f64).collect())
    }

    /// The principal eigenvector of comparisons in pairs, and their consistency ratio.
    ///
    /// # Source
    ///
    /// Saaty (1980), The Analytic Hierarchy Process.
    fn pairwise(&self, judgement: Option<&Judgement>, greatest: f64) -> Result<(Vec<f64>, f64), String> {
        let judgement = judgement.ok_or("there is no table of comparisons")?;
        let (rows, columns) = (self.positions(&judgement.rows, "row")?, self.positions(&judgement.columns, "column")?);
        let count = self.names.len();
        let mut matrix = vec![vec![1.0; count]; count];
        for (a, row) in rows.iter().enumerate() {
            for (b, column) in columns.iter().enumerate().filter(|(b, _)| *b != a) {
                let (cell, back) = (judgement.cells[*row][*column], judgement.cells[rows[b]][columns[a]]);
                let names = || format!("{} against {}", self.names[a], self.names[b]);
                // One of the two is enough: the other is its inverse.
                let value =
                    cell.or_else(|| back.map(f64::recip)).ok_or_else(|| format!("{} is not judged", names()))?;
                if !(value > 0.0 && value.is_finite()) {
                    return Err(format!("{} is {value}: a comparison is above 0", names()));
                }
                if let Some(back) = back.filter(|back| (back * value - 1.0).abs() > INVERSE) {
                    return Err(format!(
                        "{} is {value}, and the other way {back}: one must be the inverse of the other",
                        names()
                    ));
                }
                matrix[a][b] = value;
            }
        }
        let (weights, greatest_eigenvalue) = principal(&matrix);
        let ratio = consistency_ratio(greatest_eigenvalue, count);
        if at_most(ratio, greatest) {
            return Ok((weights, ratio));
        }
        Err(format!(
            "the comparisons contradict each other: a consistency ratio of {ratio:.3}, above {greatest} (`max_inconsistency` allows more)"
        ))
    }

    /// Where each child stands among the names of a table, which has no others.
    fn positions(&self, names: &[String], what: &str) -> Result<Vec<usize>, String> {
        if let Some(strange) = names.iter().find(|name| !self.names.contains(&name.as_str())) {
            return Err(format!("the {what} `{strange}` is none of {}", self.names.join(", ")));
        }
        let position = |name: &&str| {
            names.iter().position(|other| other == name).ok_or_else(|| format!("there is no {what} for `{name}`"))
        };
        self.names.iter().map(position).collect()
    }
}

/// How far a comparison may be from the inverse of the other way: people write 0.33 for a third.
const INVERSE: f64 = 0.02;

/// The eigenvector of the greatest eigenvalue of a positive matrix, as shares, and the eigenvalue.
fn principal(matrix: &[Vec<f64>]) -> (Vec<f64>, f64) {
    let count = matrix.len();
    let mut weights = vec![1.0 / count as f64; count];
    let mut eigenvalue = count as f64;
    for _ in 0..1000 {
        let product: Vec<f64> =
            matrix.iter().map(|row| row.iter().zip(&weights).map(|(cell, weight)| cell * weight).sum()).collect();
        eigenvalue = product.iter().sum();
        let next: Vec<f64> = product.iter().map(|value| value / eigenvalue).collect();
        let step = next.iter().zip(&weights).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        weights = next;
        if step < 1e-15 {
            break;
        }
    }
    (weights, eigenvalue)
}

/// Saaty's random index by the number of what is compared, from 3.
const RANDOM_INDEX: [f64; 13] = [0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.54, 1.56, 1.57, 1.58];

fn consistency_ratio(eigenvalue: f64, count: usize) -> f64 {
    if count < 3 {
        return 0.0;
    }
    let index = (eigenvalue - count as f64) / (count - 1) as f64;
    (index / RANDOM_INDEX[(count - 3).min(RANDOM_INDEX.len() - 1)]).max(0.0)
}

/// The units that have both scores.
pub fn complete_pairs(a: &[f64], b: &[f64]) -> (Vec<f64>, Vec<f64>) {
    a.iter().zip(b).filter(|(a, b)| !a.is_nan() && !b.is_nan()).map(|(a, b)| (*a, *b)).unzip()
}

/// Variance below which a component is rounding: its direction says nothing, and it is left out.
const NO_VARIANCE: f64 = 1e-9;

/// The principal components of columns that are centred and scaled to their standard deviations, over the units that
/// have all.
///
/// # Errors
///
/// The position of a column that is constant there; `None` where less than two units have all.
pub fn components(columns: &[&[f64]]) -> Result<Components, Option<usize>> {
    let units = columns.first().map_or(0, |column| column.len());
    let complete: Vec<usize> = (0..units).filter(|&unit| columns.iter().all(|column| !column[unit].is_nan())).collect();
    if complete.len() < 2 || columns.is_empty() {
        return Err(None);
    }
    let columns: Vec<Vec<f64>> =
        columns.iter().map(|column| complete.iter().map(|&unit| column[unit]).collect()).collect();
    if let Some(at) = columns.iter().position(|column| is_constant(column)) {
        return Err(Some(at));
    }
    let count = columns.len();
    let correlation = |a: usize, b: usize| if a == b { 1.0 } else { pearson(&columns[a], &columns[b]).unwrap_or(0.0) };
    let eigen = SymmetricEigen::new(DMatrix::from_fn(count, count, correlation));
    let mut order: Vec<usize> = (0..count).filter(|&at| eigen.eigenvalues[at] > NO_VARIANCE).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]).then(a.cmp(&b)));
    let loadings = |&component: &usize| {
        let column: Vec<f64> = eigen.eigenvectors.column(component).iter().copied().collect();
        let greatest = column.iter().map(|loading| loading.abs()).fold(0.0, f64::max);
        let leads = column.iter().find(|loading| loading.abs() >= greatest - SLACK).copied().unwrap_or(1.0);
        column.into_iter().map(|loading| loading * leads.signum()).collect::<Vec<f64>>()
    };
    Ok(Components {
        deviations: order.iter().map(|&component| eigen.eigenvalues[component].sqrt()).collect(),
        loadings: order.iter().map(loadings).collect(),
        units: complete.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group<'a>(names: &[&'a str], scores: &'a [Vec<f64>]) -> Group<'a> {
        Group { names: names.to_vec(), scores: scores.iter().map(Vec::as_slice).collect() }
    }

    fn judgement(rows: &[&str], columns: &[&str], cells: &[&[Option<f64>]]) -> Judgement {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let cells = cells.iter().map(|row| row.to_vec()).collect();
        Judgement { rows: owned(rows), columns: owned(columns), cells }
    }

    /// Saaty's example of buying a house is too long; this is by hand: a perfectly consistent matrix of weights 4 : 2 :
    /// 1.
    #[test]
    fn comparisons_that_agree_give_their_weights() {
        let names = ["a", "b", "c"];
        let scores = vec![vec![0.0]; 3];
        let cells: [&[Option<f64>]; 3] =
            [&[Some(1.0), Some(2.0), Some(4.0)], &[None, Some(1.0), Some(2.0)], &[Some(0.25), Some(0.5), Some(1.0)]];
        let (weights, ratio) = group(&names, &scores).pairwise(Some(&judgement(&names, &names, &cells)), 0.1).unwrap();
        for (weight, wanted) in weights.iter().zip([4.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0]) {
            assert!((weight - wanted).abs() < 1e-12);
        }
        assert!(ratio < 1e-12);
    }

    /// a over b over c over a: numpy.linalg.eigvals gives 3.8 for this matrix of fours and quarters' like.
    #[test]
    fn comparisons_in_a_circle_are_refused() {
        let names = ["a", "b", "c"];
        let scores = vec![vec![0.0]; 3];
        let cells: [&[Option<f64>]; 3] =
            [&[None, Some(3.0), Some(1.0 / 3.0)], &[None, None, Some(3.0)], &[Some(3.0), None, None]];
        let table = judgement(&names, &names, &cells);
        let message = group(&names, &scores).pairwise(Some(&table), 0.1).unwrap_err();
        // The eigenvalue of a circulant matrix is the sum of a row: 1 + 3 + 1/3.
        let ratio = (1.0 + 3.0 + 1.0 / 3.0 - 3.0) / 2.0 / 0.58;
        assert!(message.contains(&format!("{ratio:.3}")), "{message}");
        assert!(group(&names, &scores).pairwise(Some(&table), 2.0).is_ok());
        let crooked: [&[Option<f64>]; 2] = [&[None, Some(3.0)], &[Some(3.0), None]];
        let crooked = judgement(&names[..2], &names[..2], &crooked);
        assert!(group(&names[..2], &scores[..2]).pairwise(Some(&crooked), 0.1).unwrap_err().contains("inverse"));
    }

    #[test]
    fn points_are_shares_of_each_person() {
        let names = ["a", "b"];
        let table = judgement(&["x", "y"], &["b", "a"], &[&[Some(75.0), Some(25.0)], &[Some(1.0), Some(1.0)]]);
        let scores = vec![vec![0.0]; 2];
        assert_eq!(group(&names, &scores).budget(Some(&table)).unwrap(), [0.375, 0.625]);
        let gaps = judgement(&["x"], &["a", "b"], &[&[Some(1.0), None]]);
        assert!(group(&names, &scores).budget(Some(&gaps)).unwrap_err().contains("x has not given points"));
        let strange = judgement(&["x"], &["a", "c"], &[&[Some(1.0), Some(1.0)]]);
        assert!(group(&names, &scores).budget(Some(&strange)).unwrap_err().contains("`c` is none of a, b"));
    }

    /// Entropy by hand: 1, 1, 1, 1 is even and weighs nothing; CRITIC likewise of a constant.
    #[test]
    fn what_does_not_differ_weighs_nothing() {
        let scores = vec![vec![1.0; 4], vec![0.0, 0.0, 0.0, 5.0], vec![0.0, 0.0, 2.0, 2.0]];
        let found = group(&["a", "b", "c"], &scores).entropy().unwrap();
        assert!(
            (found[0]).abs() < 1e-12 && (found[1] - 2.0 / 3.0).abs() < 1e-12 && (found[2] - 1.0 / 3.0).abs() < 1e-12
        );
        assert_eq!(group(&["a", "b", "c"], &scores).critic().unwrap()[0], 0.0);
        let constant = vec![vec![1.0; 4], vec![2.0; 4]];
        assert!(group(&["a", "b"], &constant).critic().unwrap_err().contains("do not differ"));
        assert!(group(&["a", "b"], &constant).pca().unwrap_err().contains("`a` is the same"));
    }
}
