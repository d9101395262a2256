//! Two questions about a graph whose nodes are numbers: which nodes lie on a circle together, and which circle is the shortest.

use std::collections::VecDeque;

/// For each node the nodes that it leads to.
pub(super) type Edges = Vec<Vec<usize>>;

/// The groups of nodes of which each leads to each other, nodes on no circle left out.
pub(super) fn circles(edges: &Edges) -> Vec<Vec<usize>> {
    let mut search = Search {
        edges,
        index: vec![None; edges.len()],
        low: vec![0; edges.len()],
        held: vec![false; edges.len()],
        ..Search::default_of(edges)
    };
    for node in 0..edges.len() {
        search.visit(node);
    }
    let on_circle = |group: &Vec<usize>| match group.as_slice() {
        [only] => edges.get(*only).is_some_and(|next| next.contains(only)),
        _ => true,
    };
    search.groups.into_iter().filter(on_circle).collect()
}

/// Tarjan's search for strongly connected components, on a stack of its own.
struct Search<'a> {
    edges: &'a Edges,
    index: Vec<Option<usize>>,
    low: Vec<usize>,
    held: Vec<bool>,
    stack: Vec<usize>,
    next: usize,
    groups: Vec<Vec<usize>>,
}

impl<'a> Search<'a> {
    fn default_of(edges: &'a Edges) -> Search<'a> {
        Search { edges, index: Vec::new(), low: Vec::new(), held: Vec::new(), stack: Vec::new(), next: 0, groups: Vec::new() }
    }

    fn visit(&mut self, start: usize) {
        let mut path: Vec<(usize, usize)> = Vec::new();
        if self.index.get(start).is_some_and(Option::is_none) {
            self.enter(start);
            path.push((start, 0));
        }
        while let Some((node, at)) = path.last_mut() {
            let node = *node;
            let next = self.edges.get(node).and_then(|next| next.get(*at)).copied();
            *at += 1;
            match next {
                Some(next) => match self.index.get(next).copied().flatten() {
                    None => {
                        self.enter(next);
                        path.push((next, 0));
                    }
                    Some(index) if self.held.get(next).copied().unwrap_or(false) => self.lower(node, index),
                    Some(_) => {}
                },
                None => {
                    path.pop();
                    let low = self.low.get(node).copied().unwrap_or(0);
                    if let Some((above, _)) = path.last() {
                        self.lower(*above, low);
                    }
                    if self.index.get(node).copied().flatten() == Some(low) {
                        self.close(node);
                    }
                }
            }
        }
    }

    fn enter(&mut self, node: usize) {
        if let (Some(index), Some(low), Some(held)) = (self.index.get_mut(node), self.low.get_mut(node), self.held.get_mut(node)) {
            (*index, *low, *held) = (Some(self.next), self.next, true);
        }
        self.next += 1;
        self.stack.push(node);
    }

    fn lower(&mut self, node: usize, to: usize) {
        if let Some(low) = self.low.get_mut(node) {
            *low = (*low).min(to);
        }
    }

    fn close(&mut self, first: usize) {
        let mut group = Vec::new();
        while let Some(node) = self.stack.pop() {
            if let Some(held) = self.held.get_mut(node) {
                *held = false;
            }
            group.push(node);
            if node == first {
                break;
            }
        }
        group.sort_unstable();
        self.groups.push(group);
    }
}

/// The shortest way from one of some nodes to a node that is wanted, both included.
pub(super) fn shortest(edges: &Edges, from: &[usize], wanted: impl Fn(usize) -> bool) -> Option<Vec<usize>> {
    let mut before: Vec<Option<usize>> = vec![None; edges.len()];
    let mut seen = vec![false; edges.len()];
    let mut open: VecDeque<usize> = VecDeque::new();
    for node in from {
        if let Some(seen) = seen.get_mut(*node).filter(|seen| !**seen) {
            *seen = true;
            open.push_back(*node);
        }
    }
    while let Some(node) = open.pop_front() {
        if wanted(node) {
            let mut path = vec![node];
            while let Some(earlier) = path.last().and_then(|last| before.get(*last).copied().flatten()) {
                path.push(earlier);
            }
            path.reverse();
            return Some(path);
        }
        for next in edges.get(node).into_iter().flatten() {
            if let (Some(seen), Some(before)) = (seen.get_mut(*next), before.get_mut(*next))
                && !*seen
            {
                (*seen, *before) = (true, Some(node));
                open.push_back(*next);
            }
        }
    }
    None
}

/// Every node that some nodes lead to, they themselves included.
pub(super) fn reached(edges: &Edges, from: &[usize]) -> Vec<usize> {
    let mut seen = vec![false; edges.len()];
    let mut open = from.to_vec();
    let mut found = Vec::new();
    while let Some(node) = open.pop() {
        if let Some(seen) = seen.get_mut(node).filter(|seen| !**seen) {
            *seen = true;
            found.push(node);
            open.extend(edges.get(node).into_iter().flatten());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_found_and_chains_are_not() {
        let edges: Edges = vec![vec![1], vec![2], vec![0, 3], vec![4], vec![4], vec![]];
        assert_eq!(circles(&edges), [vec![4], vec![0, 1, 2]]);
        assert_eq!(shortest(&edges, &[1], |node| node == 0), Some(vec![1, 2, 0]));
        assert_eq!(shortest(&edges, &[5], |node| node == 0), None);
        let mut reached = reached(&edges, &[3]);
        reached.sort_unstable();
        assert_eq!(reached, [3, 4]);
    }
}
