//! What files were written under, where the settings in force are other ones.

use super::cluster::GpuFileNumber;
use super::day::Interval;
use super::{said, text};

/// A setting under another value of which the files of a day were written. They are whole, and no part of the day that
/// the settings mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherSetting {
    FileLanguage(super::Language),
    /// The seconds by which the clocks of their zone are ahead of UTC.
    Zone(i64),
    Interval(Interval),
    GpuFiles(GpuFileNumber),
}

impl OtherSetting {
    pub fn problem(self) -> String {
        match self {
            Self::FileLanguage(language) => {
                let language = match language {
                    super::Language::Chinese => text("中文", "Chinese"),
                    super::Language::English => text("英文", "English"),
                };
                said!(
                    "原有檔案的內容是{language}，與設定的 file_language 不同",
                    "the existing files are in {language}, which differs from file_language in the settings"
                )
            }
            Self::Zone(ahead) => {
                let zone = offset(ahead);
                said!(
                    "原有檔案是 {zone} 的一天，與設定的 timezone 不同",
                    "the existing files are for a day in {zone}, which differs from timezone in the settings"
                )
            }
            Self::Interval(interval) => {
                said!(
                    "原有檔案每 {interval} 一列，與設定的 interval 不同",
                    "the existing files have a row every {interval}, which differs from interval in the settings"
                )
            }
            Self::GpuFiles(number) => {
                let number = match number {
                    GpuFileNumber::Index => text(" GPU 索引", "GPU index"),
                    GpuFileNumber::Card => text("卡號", "card number"),
                };
                said!(
                    "原有檔案以{number}命名，與設定的 gpu_files 不同",
                    "the existing files are named by {number}, which differs from gpu_files in the settings"
                )
            }
        }
    }

    /// The settings under which the files can be added to.
    pub fn remedy(self) -> String {
        match self {
            Self::FileLanguage(language) => format!("file_language = \"{language}\""),
            Self::Zone(0) => "timezone = \"UTC\"".to_owned(),
            Self::Zone(ahead @ 28_800) => {
                let zone = offset(ahead);
                said!(
                    "timezone 為 {zone} 的時區，例如 \"Asia/Taipei\"",
                    "timezone to a time zone of {zone}, such as \"Asia/Taipei\""
                )
            }
            Self::Zone(ahead) => {
                let zone = offset(ahead);
                said!(
                    "timezone 為 {zone} 的時區",
                    "timezone to a time zone of {zone}"
                )
            }
            Self::Interval(interval) => format!("interval = \"{interval}\""),
            Self::GpuFiles(GpuFileNumber::Index) => "gpu_files = \"index\"".to_owned(),
            Self::GpuFiles(GpuFileNumber::Card) => "gpu_files = \"card\"".to_owned(),
        }
    }
}

/// As in `UTC+08:00`.
fn offset(ahead: i64) -> String {
    let sign = if ahead < 0 { '-' } else { '+' };
    let minutes = ahead.abs() / 60;
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_written_with_its_sign() {
        for (ahead, written) in [
            (0, "UTC+00:00"),
            (28_800, "UTC+08:00"),
            (20_700, "UTC+05:45"),
            (-12_600, "UTC-03:30"),
        ] {
            assert_eq!(offset(ahead), written);
        }
    }
}
