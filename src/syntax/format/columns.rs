//! Columns: the fields of an entity, the clauses of a flow and the rows of a table stand beneath one another.

use super::sheet::{Before, Sheet};

/// A cell that is wider takes no part in how wide its column is.
const WIDEST: usize = 40;

/// The first and last tokens of the cells of a row; a row may leave a cell empty.
pub(super) type Row = Vec<Option<(usize, usize)>>;

impl Sheet<'_> {
    /// Puts the cells of each row into columns with a blank between them. The last cell of a row may be the start of anything.
    pub(super) fn columns(&mut self, rows: &[Row]) {
        let widths = self.widths(rows, true);
        for row in rows {
            let mut end: Option<usize> = None;
            let mut start = 0;
            for (column, cell) in row.iter().enumerate() {
                if let Some((first, last)) = cell {
                    if let Some(end) = end {
                        self.before(*first, Before::Column(start.max(end + 1) - end));
                    }
                    end = Some(start.max(end.map_or(0, |end| end + 1)) + self.width(*first, *last));
                }
                start += widths.get(column).map_or(0, |width| if *width == 0 { 0 } else { width + 1 });
            }
        }
    }

    /// Puts the bars behind the cells of each row beneath one another.
    pub(super) fn table_columns(&mut self, rows: &[Row]) {
        let widths = self.widths(rows, false);
        for row in rows {
            for (cell, width) in row.iter().zip(&widths) {
                if let Some((first, last)) = cell {
                    let rest = width.saturating_sub(self.width(*first, *last));
                    self.before(last + 1, Before::Column(rest + 1));
                }
            }
        }
    }

    /// How wide the columns are. What is last in a row may go on behind its cell and says nothing.
    fn widths(&self, rows: &[Row], last_is_open: bool) -> Vec<usize> {
        let mut widths = Vec::new();
        for row in rows {
            let closed = row.len() - usize::from(last_is_open && !row.is_empty());
            for (column, cell) in row.iter().take(closed).enumerate() {
                if widths.len() <= column {
                    widths.resize(column + 1, 0);
                }
                let width = cell.map(|(first, last)| self.width(first, last)).filter(|width| *width <= WIDEST);
                if let Some((width, slot)) = width.zip(widths.get_mut(column)) {
                    *slot = width.max(*slot);
                }
            }
        }
        widths
    }
}
