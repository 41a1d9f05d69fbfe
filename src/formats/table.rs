//! Tables for people.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

/// The lines of a table. The first column stands to the left, the others to the side of `others`.
pub fn lines<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    others: CellAlignment,
) -> Vec<String> {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(header).add_rows(rows);
    for (position, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        column.set_cell_alignment(match position {
            0 => CellAlignment::Left,
            _ => others,
        });
    }
    let lines = table.lines();
    lines.map(|line| line.trim_end().to_owned()).collect()
}
