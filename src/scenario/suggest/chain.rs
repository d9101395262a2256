//! A list that shares its beginning with others, so that a copy at every statement of a long flow costs nothing.

use std::iter;
use std::rc::Rc;

/// A list, known by its last element.
#[derive(Debug)]
pub(super) struct Chain<T>(Option<Rc<Link<T>>>);

#[derive(Debug)]
struct Link<T> {
    last: T,
    before: Chain<T>,
}

impl<T> Chain<T> {
    /// The list with one more at its end.
    pub fn with(&self, last: T) -> Self {
        Chain(Some(Rc::new(Link { last, before: self.clone() })))
    }

    /// The elements from the last one back.
    pub fn back(&self) -> impl Iterator<Item = &T> {
        let mut at = self;
        iter::from_fn(move || {
            let link = at.0.as_ref()?;
            at = &link.before;
            Some(&link.last)
        })
    }
}

impl<T> Clone for Chain<T> {
    fn clone(&self) -> Self {
        Chain(self.0.clone())
    }
}

impl<T> Default for Chain<T> {
    fn default() -> Self {
        Chain(None)
    }
}

impl<T> Drop for Chain<T> {
    /// One after the other: a list may be longer than the stack is deep.
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some(mut link) = next.and_then(|link| Rc::try_unwrap(link).ok()) {
            next = link.before.0.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_shared_and_let_go() {
        let long = (0..200_000).fold(Chain::default(), |chain, number| chain.with(number));
        let (one, other) = (long.with(-1), long.with(-2));
        drop(long);
        let last = |chain: &Chain<i32>| chain.back().copied().take(2).collect::<Vec<_>>();
        assert_eq!((last(&one), last(&other)), (vec![-1, 199_999], vec![-2, 199_999]));
        assert_eq!(one.back().count(), 200_001);
    }
}
