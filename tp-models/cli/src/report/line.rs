//! The points of a line, as few as show it.

/// A value after a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) step: u64,
    pub(super) value: f64,
}

/// Above this, a value is not drawn: the distance of two would be no number.
const LARGEST: f64 = 1e300;

impl Point {
    /// Whether it has a place in a chart.
    pub(super) fn is_drawn(&self) -> bool {
        self.value.abs() <= LARGEST
    }
}

/// The points that have a place, in pieces without a gap.
pub(super) fn pieces(points: &[Point]) -> impl Iterator<Item = &[Point]> {
    let pieces = points.split(|point| !point.is_drawn());
    pieces.filter(|piece| !piece.is_empty())
}

/// Points that look like all of them in so many columns: of each column the first, lowest, highest and last.
pub(super) fn thinned(points: &[Point], columns: usize) -> Vec<Point> {
    const KEPT: usize = 4;
    if points.len() <= columns * KEPT {
        return points.to_vec();
    }
    let in_column = |points: &[Point]| {
        let by_value =
            |(_, a): &(usize, &Point), (_, b): &(usize, &Point)| a.value.total_cmp(&b.value);
        let all = || points.iter().enumerate();
        let extremes = [all().min_by(by_value), all().max_by(by_value)];
        let extremes = extremes.into_iter().flatten().map(|(index, _)| index);
        let mut kept: Vec<usize> = extremes.chain([0, points.len() - 1]).collect();
        kept.sort_unstable();
        kept.dedup();
        kept.into_iter()
            .map(|index| points[index])
            .collect::<Vec<_>>()
    };
    points
        .chunks(points.len().div_ceil(columns))
        .flat_map(in_column)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: impl IntoIterator<Item = f64>) -> Vec<Point> {
        let points = (1..).zip(values).map(|(step, value)| Point { step, value });
        points.collect()
    }

    #[test]
    fn what_is_thinned_keeps_its_ends_and_extremes() {
        let mut values = vec![1.0; 10_000];
        (values[4_321], values[7_654]) = (9.0, -9.0);
        (values[0], values[9_999]) = (2.0, 3.0);
        let all = points(values);
        let kept = thinned(&all, 100);
        assert!(kept.len() <= 400);
        for index in [0, 4_321, 7_654, 9_999] {
            assert!(kept.contains(&all[index]));
        }
        assert!(kept.is_sorted_by_key(|point| point.step));
        assert_eq!(thinned(&all[..400], 100), all[..400]);
    }

    #[test]
    fn a_value_that_is_none_is_a_gap() {
        let all = points([f64::NAN, 1.0, 2.0, f64::INFINITY, 1e301, 3.0]);
        let found: Vec<usize> = pieces(&all).map(<[Point]>::len).collect();
        assert_eq!(found, [2, 1]);
    }
}
