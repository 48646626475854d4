//! Places text beside points so that no two labels overlap.

/// A label's anchor: `start`, `end` or `middle`, as SVG has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Left edge, middle or right edge of the text, by `anchor`.
    pub x: f64,
    /// Baseline.
    pub y: f64,
    /// SVG `text-anchor`.
    pub anchor: &'static str,
}

const HEIGHT: f64 = 12.0;
const WIDTH_A_CHARACTER: f64 = 6.0;

/// The width that a text takes, about.
pub fn width(text: &str) -> f64 {
    text.chars().count() as f64 * WIDTH_A_CHARACTER
}

/// Places labels in the order given; `None` where there is no room left. `points` are x, y and the text's length
/// in characters; `size` is the canvas; names stand `clear` from their points; `boxes` are taken: left, top, right, bottom.
pub fn place(points: &[(f64, f64, usize)], size: (f64, f64), clear: f64, boxes: &[[f64; 4]]) -> Vec<Option<Label>> {
    let mut taken: Vec<[f64; 4]> = points.iter().map(|&(x, y, _)| [x - 4.0, y - 4.0, x + 4.0, y + 4.0]).collect();
    taken.extend(boxes);
    let mut labels = Vec::with_capacity(points.len());
    for (position, &(x, y, length)) in points.iter().enumerate() {
        let width = length as f64 * WIDTH_A_CHARACTER;
        let found = candidates(x, y, clear).into_iter().find_map(|label| {
            let left = match label.anchor {
                "start" => label.x,
                "end" => label.x - width,
                _ => label.x - width / 2.0,
            };
            let own = [left, label.y - HEIGHT + 2.0, left + width, label.y + 3.0];
            let fits = own[0] >= 0.0 && own[1] >= 0.0 && own[2] <= size.0 && own[3] <= size.1;
            let free = fits
                && !taken.iter().enumerate().any(|(other, other_box)| other != position && overlap(&own, other_box));
            free.then_some((label, own))
        });
        if let Some((_, own)) = &found {
            taken.push(*own);
        }
        labels.push(found.map(|(label, _)| label));
    }
    labels
}

fn candidates(x: f64, y: f64, clear: f64) -> Vec<Label> {
    let mut candidates = Vec::new();
    for step in 0..5 {
        let away = f64::from(step) * 11.0;
        for (dx, dy, anchor) in [
            (clear, 4.0 - away, "start"),
            (-clear, 4.0 - away, "end"),
            (clear, 4.0 + away, "start"),
            (-clear, 4.0 + away, "end"),
            (0.0, -1.0 - clear - away, "middle"),
            (0.0, 9.0 + clear + away, "middle"),
        ] {
            candidates.push(Label { x: x + dx, y: y + dy, anchor });
        }
    }
    candidates
}

fn overlap(a: &[f64; 4], b: &[f64; 4]) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_neighbours_part() {
        let labels = place(&[(50.0, 50.0, 5), (52.0, 51.0, 5)], (200.0, 100.0), 8.0, &[]);
        assert_eq!(labels[0], Some(Label { x: 58.0, y: 54.0, anchor: "start" }));
        assert!(labels[1].is_some() && labels[1] != labels[0]);
    }
}
