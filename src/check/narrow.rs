//! What is known not to be empty: the typed emptiness of section 4 of the language.

/// The places that are known not to be empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Facts {}
