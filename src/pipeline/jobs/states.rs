//! The life of a system job: the platform's table of states and status reasons, and what leads from one to the next.
//!
//! | from | to | by |
//! |---|---|---|
//! | ready | in progress | a worker takes it up |
//! | waiting | ready | its time has come, something changed, or somebody lets it go on |
//! | in progress | waiting | it waits, or is tried again later |
//! | in progress | ready | its worker hands it back, or has been silent for too long |
//! | in progress | succeeded, failed, canceled | its end |
//! | in progress | pausing, then waiting | somebody pauses it |
//! | in progress | canceling, then canceled | somebody cancels it |
//! | ready, waiting | canceled, waiting | somebody cancels it, postpones it or pauses it |
//!
//! A suspended job never goes straight to a worker, and a completed one goes nowhere.

use jiff::SignedDuration;

use crate::schema::jobs::Status;

/// What happens to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// A worker takes it up.
    TakeUp,
    /// It comes to a wait, or failed in a way that may pass.
    Rest,
    /// Its time has come, or something changed that it waits for.
    Wake,
    /// Its worker gives it back, or is gone.
    HandBack,
    /// It came to its end.
    Succeed,
    /// It failed for good.
    Fail,
    /// Its flow stopped it.
    Stop,
    /// Somebody puts it aside.
    Pause,
    /// Somebody lets it go on.
    Resume,
    /// Somebody puts it off.
    Postpone,
    /// Somebody ends it.
    Cancel,
}

/// Where it leads; nowhere where it can't happen to a job of this status reason.
pub(crate) fn next(status: Status, turn: Turn) -> Option<Status> {
    use Status::*;
    Some(match (status, turn) {
        (WaitingForResources, Turn::TakeUp) => InProgress,
        (WaitingForResources | Waiting, Turn::Pause | Turn::Postpone) => Waiting,
        (Waiting, Turn::Wake | Turn::Resume) => WaitingForResources,
        (InProgress, Turn::HandBack) => WaitingForResources,
        (InProgress, Turn::Rest) => Waiting,
        (InProgress, Turn::Pause) => Pausing,
        (InProgress | Pausing, Turn::Cancel) => Canceling,
        (Pausing, Turn::Rest | Turn::HandBack) => Waiting,
        (Canceling, Turn::Rest | Turn::HandBack | Turn::Stop) => Canceled,
        (WaitingForResources | Waiting, Turn::Cancel) => Canceled,
        // What was pausing or canceling came to its end before.
        (InProgress | Pausing | Canceling, Turn::Succeed) => Succeeded,
        (InProgress | Pausing | Canceling, Turn::Fail) => Failed,
        (InProgress | Pausing, Turn::Stop) => Canceled,
        _ => return None,
    })
}

/// How often a transaction of a worker is run again at once, where it met those of others.
pub(crate) const MAX_CONFLICTS: u32 = 50;

/// How often a job is tried again that failed in a way that may pass, or whose worker was gone in the middle of it.
pub(crate) const MAX_RETRIES: u32 = 3;

/// How long a job rests that lacks something which only people can give it; no retry is counted.
pub(crate) const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(10);

/// How long it rests before it is tried for the so many-th time again: a minute, four, sixteen.
pub(crate) fn pause_before(retry: u32) -> SignedDuration {
    SignedDuration::from_mins(4_i64.saturating_pow(retry.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::jobs::State;

    const TURNS: [Turn; 11] = [
        Turn::TakeUp,
        Turn::Rest,
        Turn::Wake,
        Turn::HandBack,
        Turn::Succeed,
        Turn::Fail,
        Turn::Stop,
        Turn::Pause,
        Turn::Resume,
        Turn::Postpone,
        Turn::Cancel,
    ];

    #[test]
    fn the_rules_of_the_platform_hold() {
        for status in Status::ALL {
            for turn in TURNS {
                let Some(then) = next(*status, turn) else { continue };
                assert_ne!(status.state(), State::Completed, "{status:?} by {turn:?}");
                assert!(status.state() != State::Suspended || then.state() != State::Locked, "{status:?} by {turn:?}");
            }
            // Whatever goes on can be canceled, and ends then.
            let canceled = next(*status, Turn::Cancel);
            let end = canceled.map(|status| next(status, Turn::Rest).unwrap_or(status));
            assert_eq!(end, (status.state() != State::Completed && *status != Status::Canceling).then_some(Status::Canceled));
        }
        assert_eq!(pause_before(1), SignedDuration::from_mins(1));
        assert_eq!(pause_before(3), SignedDuration::from_mins(16));
    }
}
