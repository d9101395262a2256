//! Flows that start each other inline round in a circle: there is no recursion, so that every flow ends.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::bytecode::Mode;
use crate::check::ir::Flow;
use crate::check::may::{Found, Operation};
use crate::diagnostic::{Code, Diagnostic};

use super::graph::{self, Edges};

/// Reports them; gives the flows that are on such a circle.
pub(super) fn recursions(flows: &[Flow], found: &[Found]) -> (Vec<Diagnostic>, FxHashSet<usize>) {
    let names: FxHashMap<&str, usize> = flows.iter().enumerate().map(|(at, flow)| (flow.head.name.as_str(), at)).collect();
    let child = |operation: &Operation| match operation {
        Operation::Start(name) => names.get(name.as_str()).copied(),
        _ => None,
    };
    let inline = |at: &usize| flows.get(*at).is_some_and(|flow| flow.head.mode == Mode::RealTime);
    let edges: Edges =
        found.iter().map(|found| found.sites.iter().filter_map(|site| child(&site.operation)).filter(inline).collect()).collect();
    let (mut said, mut recursive) = (Vec::new(), FxHashSet::default());
    for circle in graph::circles(&edges) {
        recursive.extend(&circle);
        let first = circle.iter().copied().min_by_key(|at| flows.get(*at).map(|flow| flow.span));
        let way = first.and_then(|first| {
            let next = edges.get(first)?;
            let back = if next.contains(&first) { vec![first] } else { graph::shortest(&edges, next, |at| at == first)? };
            Some([vec![first], back].concat())
        });
        said.extend(way.and_then(|way| told(&way, flows, found, child)));
    }
    (said, recursive)
}

/// A circle of flows, the first of them last again.
fn told(way: &[usize], flows: &[Flow], found: &[Found], child: impl Fn(&Operation) -> Option<usize>) -> Option<Diagnostic> {
    let name = |at: usize| flows.get(at).map_or("", |flow| flow.head.name.as_str());
    let mut labels = way.iter().zip(way.iter().skip(1)).filter_map(|(from, to)| {
        let site = found.get(*from)?.sites.iter().find(|site| child(&site.operation) == Some(*to))?;
        Some((site.span, format!("`{}` starts `{}`", name(*from), name(*to))))
    });
    let (span, text) = labels.next()?;
    let first = name(*way.first()?);
    let message =
        if way.len() == 2 { format!("`{first}` starts itself") } else { format!("`{first}` starts itself again through other flows") };
    let mut diagnostic = Diagnostic::new(Code::E1002, span, message).label(text);
    for (span, text) in labels {
        diagnostic = diagnostic.also(span, text);
    }
    Some(diagnostic.help("a flow can't run inside itself; let an update of the next record start it, or a background flow"))
}
