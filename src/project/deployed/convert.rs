//! A flow gets another mode: its clauses are rewritten in the text that the store holds, and everything there is checked and compiled
//! anew, so that every rule of the mode applies, and what starts the flow knows it as it is now.

use super::LifeError;
use super::load::{Piece, Stored};
use super::parts::Part;
use crate::bytecode::Mode;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::pipeline::Pipeline;
use crate::pipeline::definitions::{Category, Definition};
use crate::project::files::Text;
use crate::project::{CONFIG, Project};
use crate::source::{Sources, Span};
use crate::store::StoreError;
use crate::syntax;
use crate::syntax::ast::{self, ClauseKind};
use crate::value::Reference;
use crate::value::text::quoted;

/// The parts of the project that a store holds, with a flow in another mode.
pub(super) fn converted(stored: &Stored, definition: &Definition, mode: Mode) -> Result<Vec<Part>, LifeError> {
    let name = quoted(&definition.name);
    let flow = stored.pieces.iter().find(|piece| piece.row.id == definition.id).and_then(|piece| piece.bundle.program.flows.first());
    let Some(flow) = flow else {
        return Err(refused(Code::S0209, format!("{name} is no flow, and has no other mode")));
    };
    if flow.head.mode == mode {
        return Err(refused(Code::S0209, format!("{name} is {} already", mode.name())));
    }
    let mut texts = Vec::new();
    for (_, file) in stored.schema.sources.iter().filter(|(_, file)| &*file.name != CONFIG) {
        texts.push(Text { name: file.name.to_string(), bytes: file.text.as_bytes().to_vec(), line: 1 });
    }
    // What is inactive and fits nothing any more is nobody's concern.
    let concerned =
        |piece: &&Piece| piece.row.id == definition.id || piece.row.activation.is_some() || piece.unfit(&stored.schema.schema).is_none();
    for piece in stored.pieces.iter().filter(concerned) {
        let mut text = piece.bundle.sources.iter().next().map(|(_, file)| file.text.to_string()).unwrap_or_default();
        if piece.row.id == definition.id {
            text = rewritten(&text, mode).ok_or_else(|| StoreError::Unusable(format!("the text of {name} can't be read")))?;
        }
        texts.push(Text { name: piece.row.file.to_string(), bytes: text.into_bytes(), line: piece.row.line as usize });
    }
    let project = Project::of(texts);
    match project.compile() {
        Ok(compiled) => compiled.parts(),
        Err(_) => Err(forbidden(&project, &name, mode)),
    }
}

/// Writes what came out differently: the flow itself, which stays inactive, and what knows it by its mode, which is activated anew.
pub(super) fn write(pipeline: &mut Pipeline, stored: &Stored, parts: &[Part], acting: Reference) -> Result<(), LifeError> {
    for part in parts.iter().filter(|part| part.category != Category::Schema) {
        let there = stored.pieces.iter().map(|piece| &piece.row).find(|row| row.name == part.name);
        let Some(row) = there.filter(|row| row.hash != part.hash) else { continue };
        pipeline.define(&part.written(row.owner), Some(row.id), acting)?;
        if row.activation.is_some() {
            pipeline.activate(row.id, acting)?;
        }
    }
    Ok(())
}

/// Why the project can't be with the flow in this mode.
fn forbidden(project: &Project, name: &str, mode: Mode) -> LifeError {
    let errors: Vec<Diagnostic> = project.diagnostics.iter().filter(|said| said.severity() == Severity::Error).cloned().collect();
    let waits = errors.iter().filter(|error| error.code == Code::E0301).filter_map(Diagnostic::span);
    let place = |span: Span| {
        let file = project.sources.get(span.file).map_or("", |file| &file.name);
        format!("{file}:{}", project.sources.position(span).line)
    };
    let waits: Vec<String> = waits.map(place).collect();
    if waits.is_empty() {
        return LifeError::Refused(errors, project.sources.clone());
    }
    let message = format!("{name} waits ({}), and can't become {}", waits.join(", "), mode.name());
    let reason = Diagnostic::unplaced(Code::S0206, message);
    LifeError::refused(
        reason.help("inside the transaction nothing can wait: take the wait out and deploy the flow, or leave it in the background"),
    )
}

fn refused(code: Code, message: String) -> LifeError {
    LifeError::refused(Diagnostic::unplaced(code, message))
}

/// The text of a flow with another mode. In the background there are no stages, so they go; in real-time they get their defaults.
fn rewritten(text: &str, mode: Mode) -> Option<String> {
    let mut sources = Sources::default();
    let file = sources.add("flow", text);
    let (tree, _) = syntax::parse(&sources, file);
    let [ast::Item::Flow(flow)] = tree.items.as_slice() else { return None };
    let clause = format!("mode {}", mode.name());
    let mut edits = Vec::new();
    for one in &flow.clauses {
        match &one.kind {
            ClauseKind::Mode(_) => edits.push((one.span.range(), clause.clone())),
            // Within a save nothing queues.
            ClauseKind::Serial(_) if mode == Mode::RealTime => edits.push((one.span.range(), String::new())),
            ClauseKind::Stage(_) if mode == Mode::Background => edits.push((one.span.range(), String::new())),
            ClauseKind::Trigger(triggers) if mode == Mode::Background => {
                let stages = triggers.iter().filter_map(|trigger| trigger.stage.as_ref());
                edits.extend(stages.filter_map(|stage| Some((at(text, stage)?, String::new()))));
            }
            _ => {}
        }
    }
    if !flow.clauses.iter().any(|one| matches!(one.kind, ClauseKind::Mode(_))) {
        let first = flow.clauses.first()?.span.range().start;
        edits.insert(0, (first..first, format!("{clause} ")));
    }
    // From the last to the first; what is taken out goes before what is put in at the same place.
    edits.sort_by_key(|(range, _)| std::cmp::Reverse((range.start, range.end)));
    let mut rewritten = text.to_owned();
    for (range, with) in edits {
        rewritten.get(range.clone())?;
        rewritten.replace_range(range, &with);
    }
    Some(rewritten)
}

/// The stage of one trigger with the `at` before it.
fn at(text: &str, stage: &ast::Name) -> Option<std::ops::Range<usize>> {
    let before = text.get(..stage.span.range().start)?.trim_end().strip_suffix("at")?;
    Some(before.len()..stage.span.range().end)
}
