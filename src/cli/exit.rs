//! The exit codes. The worst of a run wins.

/// How a command ends, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exit {
    /// All well.
    Well,
    /// A rule stopped an operation.
    Stopped,
    /// Problems were found: a diagnostic of severity error, a failing test, a fault.
    Problems,
    /// Wrong usage.
    Usage,
    /// A file, a store or the network failed.
    Failed,
    /// Somebody ended it, with Ctrl-C.
    Interrupted,
}

impl Exit {
    /// Each with what it says, as the manual pages have it.
    pub const ALL: [(Exit, &str); 6] = [
        (Exit::Well, "all well"),
        (Exit::Problems, "problems found: an error, a failing test, an operation that faulted"),
        (Exit::Usage, "wrong usage"),
        (Exit::Stopped, "a rule stopped an operation"),
        (Exit::Failed, "a file or a store failed"),
        (Exit::Interrupted, "somebody ended it with Ctrl-C"),
    ];

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Well => 0,
            Exit::Problems => 1,
            Exit::Usage => 2,
            Exit::Stopped => 3,
            Exit::Failed => 4,
            Exit::Interrupted => 130,
        }
    }

    /// The worse of two.
    pub fn and(self, other: Exit) -> Exit {
        self.max(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_wins() {
        let order = [Exit::Interrupted, Exit::Failed, Exit::Usage, Exit::Problems, Exit::Stopped, Exit::Well];
        assert_eq!(order.map(Exit::code), [130, 4, 2, 1, 3, 0]);
        assert!(order.is_sorted_by(|one, two| one.and(*two) == *one));
    }
}
