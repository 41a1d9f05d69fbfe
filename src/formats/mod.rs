//! What a file says: pure functions to bytes and back.

pub mod account;
pub mod average_csv;
pub mod csv_text;
pub mod gpu_csv;
pub mod ledger_csv;
pub mod number;
pub mod page;
pub mod roff;
pub mod summary;
pub mod table;
pub mod task_blocks;
pub mod task_report;
pub mod unreadable;
pub mod usage_groups;
pub mod usage_rows;
pub mod usage_table;
pub mod workbook;

#[cfg(test)]
mod tests {
    mod hostile_tasks;
}
