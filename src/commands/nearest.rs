//! The right word that a wrong one was probably meant to be.

use crate::model::said;

/// How alike the words have to be: two slips in five letters are too many.
const ALIKE: f64 = 0.6;

/// The word of `known` that is most like `word`, if one is like it.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|known| (strsim::normalized_damerau_levenshtein(word, known), known))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

/// What a message says of the word that was meant, if there is one.
pub fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| {
        said!("，最接近的是 {nearest}", "; did you mean {nearest}?")
    })
}
