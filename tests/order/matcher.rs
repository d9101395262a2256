//! Whether a run is among those that an order allows: what ran must be embedded in what was listed, in that order.
//!
//! The steps of an event are met one after the other and each may be left out; a step is followed by what it does, the acts of
//! one loop over and over, those of code outside the language in any order. An answer is the set of places in the list of what ran
//! that can be reached from a place, so every way to read the list is tried.

use std::collections::HashMap;

use weir::pipeline::order::{Act, Order, Part, Step, What};

/// How many steps a run may have run to be looked at.
pub const MOST: usize = 1023;

/// A set of places, from 0 to [`MOST`].
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Places([u64; (MOST + 1) / 64]);

impl Places {
    fn of(place: usize) -> Places {
        let mut places = Places::default();
        places.0[place / 64] |= 1 << (place % 64);
        places
    }

    fn contains(&self, place: usize) -> bool {
        self.0[place / 64] >> (place % 64) & 1 == 1
    }

    fn and(mut self, other: Places) -> Places {
        self.0.iter_mut().zip(other.0).for_each(|(one, other)| *one |= other);
        self
    }

    fn iter(self) -> impl Iterator<Item = usize> {
        (0..=MOST).filter(move |place| self.contains(*place))
    }
}

struct Matcher<'a> {
    order: &'a Order,
    ran: &'a [String],
    /// The places behind an event, or behind a part, that begins at a place.
    events: HashMap<(usize, usize), Places>,
    parts: HashMap<(usize, usize), Places>,
}

/// Whether everything that ran is embedded in what was listed.
pub fn allows(order: &Order, ran: &[String]) -> bool {
    let mut matcher = Matcher { order, ran, events: HashMap::new(), parts: HashMap::new() };
    // Of several acts (an upsert) one is done.
    order.acts.iter().any(|act| matcher.group(&[act], Places::of(0), act.repeats.is_some()).contains(ran.len()))
}

impl Matcher<'_> {
    fn event(&mut self, event: usize, starts: Places) -> Places {
        starts.iter().fold(Places::default(), |places, start| places.and(self.event_at(event, start)))
    }

    fn event_at(&mut self, event: usize, start: usize) -> Places {
        if let Some(known) = self.events.get(&(event, start)) {
            return *known;
        }
        // What comes here again without a step having run in between adds nothing.
        self.events.insert((event, start), Places::of(start));
        let found = &self.order.events[event];
        assert!(found.followed || found.depth > self.order.bounds.max_depth, "small projects are listed wholly");
        let early = |step: &&Step| step.stage.is_some_and(|stage| stage < 30);
        let before = found.steps.iter().filter(early).fold(Places::of(start), |places, step| self.step(step, places));
        let cascades: Vec<usize> = found.cascades.iter().map(|cascade| cascade.event).collect();
        let gone =
            self.often(before, |matcher, places| cascades.iter().fold(places, |places, event| places.and(matcher.event(*event, places))));
        let late = found.steps.iter().filter(|step| !early(step) && step.stage.is_some());
        let places = late.fold(gone, |places, step| self.step(step, places));
        self.events.insert((event, start), places);
        places
    }

    /// A step runs, or it doesn't.
    fn step(&mut self, step: &Step, starts: Places) -> Places {
        starts.and(self.named(&step.place.name, step.part, starts))
    }

    /// Something that has a name runs.
    fn named(&mut self, name: &str, part: Option<usize>, starts: Places) -> Places {
        let begun = starts.iter().filter(|place| self.ran.get(*place).is_some_and(|ran| ran == name)).collect::<Vec<_>>();
        let behind = |place: usize| part.map_or(Places::of(place + 1), |part| self.part_at(part, place + 1));
        begun.into_iter().map(behind).fold(Places::default(), Places::and)
    }

    fn part_at(&mut self, index: usize, start: usize) -> Places {
        if let Some(known) = self.parts.get(&(index, start)) {
            return *known;
        }
        let order = self.order;
        let Part { acts, in_order, .. } = &order.parts[index];
        let places = if *in_order {
            acts.chunk_by(|one, other| one.repeats == other.repeats).fold(Places::of(start), |places, group| {
                let repeated = group.first().is_some_and(|act| act.repeats.is_some());
                self.group(&group.iter().collect::<Vec<_>>(), places, repeated)
            })
        } else {
            self.group(&acts.iter().collect::<Vec<_>>(), Places::of(start), true)
        };
        self.parts.insert((index, start), places);
        places
    }

    /// Acts, each of which may be left out; those of a loop over and over.
    fn group(&mut self, acts: &[&Act], starts: Places, repeated: bool) -> Places {
        let once = |matcher: &mut Self, places: Places| acts.iter().fold(places, |places, act| places.and(matcher.act(act, places)));
        if repeated { self.often(starts, once) } else { once(self, starts) }
    }

    fn often(&mut self, starts: Places, mut once: impl FnMut(&mut Self, Places) -> Places) -> Places {
        let mut places = starts;
        loop {
            let more = once(self, places);
            if more == places {
                return places;
            }
            places = more;
        }
    }

    fn act(&mut self, act: &Act, starts: Places) -> Places {
        match act.what {
            What::Anything => (0..=self.ran.len()).skip_while(|place| !starts.contains(*place)).map(Places::of).fold(starts, Places::and),
            What::Start | What::Run => self.named(&act.of, act.part, starts),
            _ => act.events.iter().fold(starts, |places, event| self.event(*event, places)),
        }
    }
}
