//! The texts of a session: the files of its project, and the declarations that were typed on top of them.
//!
//! A declaration that is typed takes the place of the one of its kind and name, wherever that stands: the older one is blanked
//! out, so that everything else in its text stays at its line. Files on disk are never written.

use std::path::{Path, PathBuf};

use smol_str::SmolStr;

use crate::project::{Config, LoadError, LoadErrorKind, Project, Seen};
use crate::source::Sources;
use crate::syntax::{self, ast};

/// A text with the line of its file that it begins on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text {
    pub name: String,
    pub text: String,
    pub line: usize,
}

/// The texts of a session.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    /// What stands on disk, with what was blanked out of it.
    files: Vec<Text>,
    /// What was typed, in order.
    typed: Vec<Text>,
    /// What of the files was blanked out.
    shadowed: Vec<Key>,
    config: Config,
    watch: Watch,
}

/// What the files on disk looked like when they were read, and when somebody was last told of a change.
#[derive(Clone, Debug, Default)]
struct Watch {
    path: Option<PathBuf>,
    read: Seen,
    told: Seen,
}

/// The kind and the name of a declaration.
pub(super) type Key = (&'static str, SmolStr);

impl Texts {
    /// The texts of a project, and nothing typed. Without a path there is nothing; where the path was only a guess, a folder without
    /// any `.flow` file is nothing too.
    pub fn load(path: Option<&Path>, guessed: bool) -> Result<(Self, Project), LoadError> {
        let Some(path) = path else { return Ok((Texts::default(), Project::from_texts([], Config::default()))) };
        let project = match Project::load(path) {
            Err(LoadError { kind: LoadErrorKind::NoFlows, .. }) if guessed => return Texts::load(None, guessed),
            loaded => loaded?,
        };
        let own = project.sources.iter().skip(1).filter(|(_, file)| &*file.name != crate::project::CONFIG);
        let files: Vec<Text> = own.map(|(_, file)| Text { name: file.name.to_string(), text: file.text.to_string(), line: 1 }).collect();
        let seen = Seen::of(path);
        let watch = Watch { path: Some(path.to_owned()), read: seen.clone(), told: seen };
        Ok((Texts { files, typed: Vec::new(), shadowed: Vec::new(), config: project.config.clone(), watch }, project))
    }

    /// The project that they make.
    pub fn project(&self) -> Project {
        let texts = self.files.iter().chain(&self.typed).map(|text| (text.name.clone(), text.text.clone(), text.line));
        Project::from_texts(texts, self.config.clone())
    }

    /// The project that they make with one text more.
    pub fn project_with(&self, name: &str, text: &str) -> Project {
        let texts = self.files.iter().chain(&self.typed).map(|text| (text.name.clone(), text.text.clone(), text.line));
        Project::from_texts(texts.chain([(name.to_owned(), text.to_owned(), 1)]), self.config.clone())
    }

    /// The declarations of the files whose place typed ones have taken.
    pub fn shadowed(&self) -> &[Key] {
        &self.shadowed
    }

    /// With declarations more; says which of them take the place of others.
    pub fn with(&self, text: Text, file: &ast::File) -> (Texts, Vec<Key>) {
        let mut texts = self.clone();
        let mut replaced = Vec::new();
        for item in &file.items {
            let (key, _) = key(item);
            if texts.blank(&key) {
                replaced.push(key);
            }
        }
        texts.typed.push(text);
        (texts, replaced)
    }

    /// The typed declarations of a session on top of these files.
    pub fn with_typed_of(&self, other: &Texts) -> Texts {
        let mut texts = self.clone();
        for text in &other.typed {
            let mut sources = Sources::default();
            let id = sources.add(text.name.clone(), text.text.clone());
            texts = texts.with(text.clone(), &syntax::parse(&sources, id).0).0;
        }
        texts
    }

    /// The declarations that were typed and still stand.
    pub fn typed(&self) -> impl Iterator<Item = &str> {
        self.typed.iter().map(|text| text.text.trim()).filter(|text| !text.is_empty())
    }

    /// The file that changed on disk since it was read, where one did that hasn't been told of.
    pub fn changed(&mut self) -> Option<PathBuf> {
        let now = Seen::of(self.watch.path.as_deref()?);
        let changed = self.watch.read.differing(&now).next().map(Path::to_owned);
        let told = std::mem::replace(&mut self.watch.told, now);
        changed.filter(|_| told != self.watch.told)
    }

    /// Blanks out the declaration of a kind and name.
    fn blank(&mut self, wanted: &Key) -> bool {
        let blank = |text: &mut Text| {
            let mut found = false;
            let mut sources = Sources::default();
            let id = sources.add("", text.text.clone());
            for item in syntax::parse(&sources, id).0.items.iter().filter(|item| key(item).0 == *wanted) {
                found = true;
                text.text = blanked(&text.text, key(item).1.range());
            }
            found
        };
        let names = |text: &&mut Text| text.text.contains(wanted.1.as_str());
        let typed = self.typed.iter_mut().filter(names).map(blank).filter(|found| *found).count();
        let files = self.files.iter_mut().filter(names).map(blank).filter(|found| *found).count();
        if files > 0 {
            self.shadowed.push(wanted.clone());
        }
        typed + files > 0
    }
}

/// The kind and name of a declaration, and its place.
pub(super) fn key(item: &ast::Item) -> (Key, crate::source::Span) {
    let (kind, name, span) = match item {
        ast::Item::Entity(one) => ("entity", &one.name, one.span),
        ast::Item::Choice(one) => ("choice", &one.name, one.span),
        ast::Item::Flow(one) => ("flow", &one.name, one.span),
        ast::Item::Action(one) => ("action", &one.name, one.span),
        ast::Item::Plugin(one) => ("plugin", &one.name, one.span),
        ast::Item::Role(one) => ("role", &one.name, one.span),
        ast::Item::Test(one) => ("test", &one.name, one.span),
        ast::Item::Given(one) => ("given", &one.name, one.span),
        ast::Item::Scenario(one) => ("scenario", &one.name, one.span),
    };
    ((kind, name.text.clone()), span)
}

/// A text with blanks in the place of some bytes, and of the `///` lines right before them; line breaks stay.
pub(super) fn blanked(text: &str, range: std::ops::Range<usize>) -> String {
    let mut start = range.start;
    while let Some(before) = text.get(..start).map(str::trim_end) {
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        if !before.get(line..).is_some_and(|line| line.trim_start().starts_with("///")) {
            break;
        }
        start = line;
    }
    let blank = |(at, character): (usize, char)| match character {
        '\n' => "\n".to_owned(),
        _ if (start..range.end).contains(&at) => " ".repeat(character.len_utf8()),
        other => other.to_string(),
    };
    text.char_indices().map(blank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> (Text, ast::File) {
        let mut sources = Sources::default();
        let id = sources.add("", text);
        let file = syntax::parse(&sources, id).0;
        (Text { name: "<input 1>".to_owned(), text: text.to_owned(), line: 1 }, file)
    }

    #[test]
    fn a_declaration_takes_the_place_of_the_older_one() {
        let (first, file) = text("/// An ü.\nentity a { b text }\nentity c { d text }");
        let (texts, replaced) = Texts::default().with(first, &file);
        assert_eq!(replaced, []);
        let (second, file) = text("entity a { e date }");
        let (texts, replaced) = texts.with(second, &file);
        assert_eq!(replaced, [("entity", "a".into())]);
        assert_eq!(texts.typed().collect::<Vec<_>>(), ["entity c { d text }", "entity a { e date }"]);
        assert!(!texts.project().has_errors());
        assert_eq!(texts.typed[0].text.lines().count(), 3, "lines stay where they are");
    }
}
