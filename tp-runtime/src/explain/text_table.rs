//! Plain text in columns.

/// Rows of cells, each column as wide as its widest cell.
#[derive(Default)]
pub(super) struct TextTable {
    rows: Vec<Vec<String>>,
}

/// What stands between two columns.
const GAP: &str = "  ";

impl TextTable {
    pub(super) fn push<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(row.into());
    }

    /// One line per row; the columns of `right` end together instead of starting together.
    pub(super) fn lines(&self, right: &[usize]) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).enumerate();
            // A column that is empty throughout leaves no gap.
            let cells = cells.filter(|(_, (_, width))| **width > 0);
            let cells = cells.map(|(column, (cell, &width))| match right.contains(&column) {
                true => format!("{cell:>width$}"),
                false => format!("{cell:<width$}"),
            });
            cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }
}
