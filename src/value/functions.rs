//! The one table of built-in functions: names, types, emptiness, words and meaning, for checker, VM, docs and completion.

/// A built-in function.
#[derive(Debug)]
pub struct Function {
    /// As it is called in a flow.
    pub name: &'static str,
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
