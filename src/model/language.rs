//! The two languages of what is said: every text stands in both, where it is said, so that neither can be left out.

use std::cell::Cell;
use std::sync::OnceLock;

use serde::{Serialize, Serializer};

use super::Written;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    Chinese,
    English,
}

/// What people are addressed in.
static CHOSEN: OnceLock<Language> = OnceLock::new();

thread_local! {
    /// What is used instead, for a while.
    static USED: Cell<Option<Language>> = const { Cell::new(None) };
}

impl Language {
    pub const BOTH: [Self; 2] = [Self::Chinese, Self::English];

    fn name(self) -> &'static str {
        match self {
            Self::Chinese => "zh-TW",
            Self::English => "en",
        }
    }

    /// Makes it the language of the program, unless one was chosen before.
    pub fn choose(self) {
        let _ = CHOSEN.set(self);
    }

    pub fn chosen() -> Self {
        let chosen = USED.get().or_else(|| CHOSEN.get().copied());
        chosen.unwrap_or_default()
    }

    /// What `make` makes in this language, whichever is chosen: a file's is a setting of its own.
    pub fn in_it<T>(self, make: impl FnOnce() -> T) -> T {
        struct Before(Option<Language>);
        // Also where `make` panics, and the thread goes on.
        impl Drop for Before {
            fn drop(&mut self) {
                USED.set(self.0);
            }
        }
        let _before = Before(USED.replace(Some(self)));
        make()
    }

    /// In which language something is so, such as that a text is the one that is read.
    pub fn in_which(is_so: impl Fn() -> bool) -> Option<Self> {
        let mut languages = Self::BOTH.into_iter();
        languages.find(|language| language.in_it(&is_so))
    }
}

/// A text in both languages, for what is made before it is known whether it ends in a message or in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Both {
    chinese: String,
    english: String,
}

impl Both {
    pub fn of<T: Into<String>>(make: impl Fn() -> T) -> Self {
        Self {
            chinese: Language::Chinese.in_it(&make).into(),
            english: Language::English.in_it(&make).into(),
        }
    }
}

impl std::fmt::Display for Both {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match Language::chosen() {
            Language::Chinese => &self.chinese,
            Language::English => &self.english,
        })
    }
}

impl std::error::Error for Both {}

impl Serialize for Both {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Written for Language {
    fn parse(text: &str) -> Result<Self, String> {
        let mut languages = Self::BOTH.into_iter();
        let language = languages.find(|language| language.name() == text);
        language.ok_or_else(|| {
            let text = super::redacted(text);
            said!(
                "「{text}」不是 zh-TW 或 en",
                "'{text}' is neither zh-TW nor en"
            )
        })
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A text without arguments.
pub fn text(chinese: &'static str, english: &'static str) -> &'static str {
    match Language::chosen() {
        Language::Chinese => chinese,
        Language::English => english,
    }
}

/// A number of things: `3 筆讀數`, `1 reading`, `3 readings`.
pub fn counted(number: usize, chinese: &str, one: &str, many: &str) -> String {
    match (Language::chosen(), number) {
        (Language::Chinese, _) => format!("{number} {chinese}"),
        (Language::English, 1) => format!("1 {one}"),
        (Language::English, _) => format!("{number} {many}"),
    }
}

/// What stands between the items of a list.
pub fn comma() -> &'static str {
    text("、", ", ")
}

/// Writes a message to a formatter.
macro_rules! say {
    ($f:expr, $chinese:literal, $english:literal $(, $($arguments:tt)*)?) => {
        match $crate::model::Language::chosen() {
            $crate::model::Language::Chinese => ::std::write!($f, $chinese $(, $($arguments)*)?),
            $crate::model::Language::English => ::std::write!($f, $english $(, $($arguments)*)?),
        }
    };
}
pub(crate) use say;

/// A message as a string.
macro_rules! said {
    ($chinese:literal, $english:literal $(, $($arguments:tt)*)?) => {
        match $crate::model::Language::chosen() {
            $crate::model::Language::Chinese => ::std::format!($chinese $(, $($arguments)*)?),
            $crate::model::Language::English => ::std::format!($english $(, $($arguments)*)?),
        }
    };
}
pub(crate) use said;

/// A message in both languages.
macro_rules! both {
    ($($texts:tt)*) => {
        $crate::model::Both::of(|| $crate::model::said!($($texts)*))
    };
}
pub(crate) use both;
