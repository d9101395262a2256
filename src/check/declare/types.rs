//! Types as they are written, with their bounds, lengths and decimals.

use std::sync::Arc;

use super::{Declare, suggest};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{DECIMAL_SCALE, MAX_DECIMAL_SCALE, MAX_MEMO, MAX_MONEY_SCALE, MAX_TEXT, natural_range};
use crate::source::Span;
use crate::syntax::ast::{self, Number, TypeKind};
use crate::syntax::keywords::{TYPES, type_abroad, type_meant};
use crate::value::{ChoiceId, Decimal, EntityId, Type};

/// A type with what limits its values.
#[derive(Debug)]
pub(in crate::check) struct Typed {
    pub ty: Type,
    pub range: Option<(Decimal, Decimal)>,
    pub max_length: Option<u32>,
}

impl From<Type> for Typed {
    fn from(ty: Type) -> Self {
        Typed { range: natural_range(&ty), ty, max_length: None }
    }
}

impl Declare<'_> {
    /// The type of a field (of its entity), or of an input.
    pub(super) fn typed(&mut self, declared: &ast::TypeExpr, field: Option<(&str, &ast::Field)>) -> Option<Typed> {
        let ty = match &declared.kind {
            TypeKind::Word(word) => return self.word(word, declared.span, field.map(|(_, field)| &field.name)),
            TypeKind::Integer { big, low, high } => {
                let ty = if *big { Type::BigInt } else { Type::Integer };
                return Some(self.bounded(ty, low.as_ref(), high.as_ref()));
            }
            TypeKind::Decimal(scale) => Type::Decimal(self.scale("decimal", scale.as_ref(), DECIMAL_SCALE, MAX_DECIMAL_SCALE)),
            TypeKind::Money(scale) => Type::Money(self.scale("money", scale.as_ref(), MAX_MONEY_SCALE, MAX_MONEY_SCALE)),
            TypeKind::Text(length) => return Some(self.text("text", length.as_ref(), MAX_TEXT)),
            TypeKind::Memo(length) => return Some(self.text("memo", length.as_ref(), MAX_MEMO)),
            TypeKind::DateTime { local: true } => Type::LocalDateTime,
            TypeKind::DateTime { local: false } => Type::DateTime,
            TypeKind::Choice { many, name } => choice_type(*many, self.choice_named(name)?),
            TypeKind::InlineChoice { many, options } => {
                let Some((entity, field)) = field else {
                    self.report(
                        Diagnostic::new(Code::E0315, declared.span, "an input or output can't declare options of its own")
                            .help("declare them by name, `choice Size { … }`, and write `choice Size` here"),
                    );
                    return None;
                };
                choice_type(*many, self.inline_choice(entity, field, options, declared.span))
            }
            TypeKind::Lookup(names) => self.lookup_type(names),
        };
        Some(Typed::from(ty))
    }

    fn word(&mut self, word: &str, span: Span, field: Option<&ast::Name>) -> Option<Typed> {
        let ty = match word {
            "boolean" => Type::Boolean,
            "float" => Type::Float,
            "date" => Type::Date,
            "uuid" => Type::Uuid,
            _ => {
                if let Some(problem) = field.and_then(|field| no_field(word, span, field)) {
                    self.report(problem);
                    return None;
                }
                return self.unknown_type(word, span);
            }
        };
        Some(Typed::from(ty))
    }

    /// Says what the type is called here, and takes it for that.
    fn unknown_type(&mut self, word: &str, span: Span) -> Option<Typed> {
        let mut problem = Diagnostic::new(Code::E0204, span, format!("there is no type `{word}`"));
        let lower = word.to_lowercase();
        let habit = type_abroad(word);
        // A suggestion costs time, so there is none behind a thousand problems.
        let meant = if self.is_full() { habit } else { type_meant(word) };
        if let Some(meant) = meant {
            problem = match habit {
                Some(_) => problem.help(format!("it is called `{meant}` here")),
                None => problem.help(format!("did you mean `{meant}`?")),
            };
            if span.range().len() == word.len() {
                problem = problem.fix(span, meant);
            }
        } else if matches!(lower.as_str(), "enum" | "optionset" | "picklist" | "option") {
            problem = problem.help("a list of options is `choice { small = 1, large = 2 }`, or `choice Name` for a declared one");
        } else if matches!(lower.as_str(), "reference" | "ref" | "foreign" | "relation" | "link" | "record") {
            problem = problem.help("a reference to a record is `lookup account`");
        } else {
            problem = problem.help(format!("the types are {}", TYPES.join(", ")));
        }
        self.report(problem);
        let text = Typed { ty: Type::Text, range: None, max_length: Some(MAX_TEXT) };
        Some(match meant {
            Some("text" | "memo") => text,
            Some("integer") => Typed::from(Type::Integer),
            Some("bigint") => Typed::from(Type::BigInt),
            Some("decimal") => Typed::from(Type::Decimal(DECIMAL_SCALE)),
            Some("boolean") => Typed::from(Type::Boolean),
            Some("float") => Typed::from(Type::Float),
            Some("money") => Typed::from(Type::Money(MAX_MONEY_SCALE)),
            Some("uuid") => Typed::from(Type::Uuid),
            Some("date") => Typed::from(Type::Date),
            Some("datetime") => Typed::from(Type::DateTime),
            _ => return None,
        })
    }

    /// `integer(a..b)`: the bounds where they make sense, the type's own where they don't.
    fn bounded(&mut self, ty: Type, low: Option<&Number>, high: Option<&Number>) -> Typed {
        let mut typed = Typed::from(ty);
        let Some((least, most)) = typed.range else { return typed };
        let low = low.and_then(|number| self.bound(number, least, most));
        let high = high.and_then(|number| self.bound(number, least, most));
        if let (Some((low, low_span)), Some((high, high_span))) = (low, high)
            && low > high
        {
            self.report(
                Diagnostic::new(Code::E0207, low_span.to(high_span), format!("the lower bound {low} is above the upper bound {high}"))
                    .help(format!("write the smaller number first: `{high}..{low}`"))
                    .fix(low_span.to(high_span), format!("{high}..{low}")),
            );
            return typed;
        }
        typed.range = Some((low.map_or(least, |(value, _)| value), high.map_or(most, |(value, _)| value)));
        typed
    }

    fn bound(&mut self, number: &Number, least: Decimal, most: Decimal) -> Option<(Decimal, Span)> {
        let value = number.value;
        if value.fract() != Decimal::ZERO {
            self.report(
                Diagnostic::new(Code::E0207, number.span, format!("the bound {value} is not a whole number"))
                    .help("a field of whole numbers has whole bounds"),
            );
            return None;
        }
        if value < least || value > most {
            self.report(
                Diagnostic::new(Code::E0207, number.span, format!("the bound {value} is beyond what the type can hold"))
                    .help(format!("it holds {least} to {most}; `bigint` holds the most")),
            );
            return None;
        }
        Some((value.normalize(), number.span))
    }

    fn scale(&mut self, word: &str, declared: Option<&Number>, usual: u8, most: u8) -> u8 {
        let Some(number) = declared else { return usual };
        let whole = if number.value.fract() == Decimal::ZERO { u8::try_from(number.value).ok() } else { None };
        match whole {
            Some(scale) if scale <= most => scale,
            _ => {
                self.report(
                    Diagnostic::new(Code::E0208, number.span, format!("a `{word}` field has 0 to {most} decimals, not {}", number.value))
                        .help(format!("write `{word}({most})` for the most there are")),
                );
                most
            }
        }
    }

    fn text(&mut self, word: &str, declared: Option<&Number>, most: u32) -> Typed {
        let length = declared
            .map_or(Some(most), |number| if number.value.fract() == Decimal::ZERO { u32::try_from(number.value).ok() } else { None });
        let max_length = match (length, declared) {
            (Some(length), _) if (1..=most).contains(&length) => length,
            (_, Some(number)) => {
                let problem = Diagnostic::new(
                    Code::E0209,
                    number.span,
                    format!("a `{word}` field holds 1 to {most} characters at most, not {}", number.value),
                );
                let longer = word == "text" && number.value > Decimal::from(most);
                self.report(problem.help(if longer { "`memo` holds longer text" } else { "give it a length within that" }));
                most
            }
            (_, None) => most,
        };
        Typed { ty: Type::Text, range: None, max_length: Some(max_length) }
    }

    fn choice_named(&mut self, name: &ast::Name) -> Option<ChoiceId> {
        let found = |declare: &Self, name: &str| declare.choices.get(name).and_then(|_| declare.schema.choice_id(name));
        if let Some(id) = found(self, &name.text) {
            return Some(id);
        }
        if self.broken.contains(&name.text) {
            return None;
        }
        let problem = Diagnostic::new(Code::E0206, name.span, format!("there is no choice `{}`", name.text));
        let (problem, guess) = match self.nearest(&name.text, self.choices.keys().map(|name| name.as_str())) {
            Some(near) => (suggest(problem, name.span, near), found(self, near)),
            None => (problem.help(format!("declare it: `choice {} {{ first = 1, second = 2 }}`", name.text)), None),
        };
        self.report(problem);
        guess
    }

    fn lookup_type(&mut self, names: &[ast::Name]) -> Type {
        let mut targets: Vec<EntityId> = Vec::with_capacity(names.len());
        for name in names {
            if name.text == "any" && Some(name.span.file) == self.built_in {
                return Type::Lookup(Arc::clone(&self.any));
            }
            let Some(id) = self.entity_named(name) else { continue };
            if targets.contains(&id) {
                self.report(
                    Diagnostic::new(Code::E0220, name.span, format!("`{}` stands twice in this lookup", name.text))
                        .help("name each entity once"),
                );
            } else {
                targets.push(id);
            }
        }
        targets.sort_unstable();
        Type::Lookup(targets.into())
    }
}

/// What looks like a field and is none: `not null` and `default 0` behind a type, `audit off`, or a type before its name.
fn no_field(ty: &str, span: Span, name: &ast::Name) -> Option<Diagnostic> {
    let whole = name.span.to(span);
    match (name.text.as_str(), ty) {
        ("not", "null") => {
            let problem = Diagnostic::new(Code::E0106, whole, "`not null` is written `required` here");
            Some(problem.help("write `required`").fix(whole, "required"))
        }
        ("audit", "off" | "no" | "false") => {
            let problem = Diagnostic::new(Code::E0213, whole, "an entity is audited only where it says `audit on`");
            Some(problem.help("take the line away; one field of an audited entity is left out by `unaudited` behind its type"))
        }
        ("audit", "all" | "yes" | "true" | "fields") => {
            Some(Diagnostic::new(Code::E0213, whole, "that an entity is audited is written `audit on`").fix(whole, "audit on"))
        }
        ("default", "true" | "false" | "now" | "today" | "null" | "empty") => {
            let problem = Diagnostic::new(Code::E0106, whole, "a default stands behind `=`").help(format!("write `= {ty}`"));
            Some(if matches!(ty, "null" | "empty") {
                problem.help("a field without a default is empty")
            } else {
                problem.fix(whole, format!("= {ty}"))
            })
        }
        (first, _) if TYPES.contains(&first) || type_abroad(first).is_some() => {
            let meant = type_abroad(first).unwrap_or(first);
            let problem = Diagnostic::new(Code::E0204, whole, "the name of a field stands before its type");
            Some(problem.help(format!("write `{ty} {meant}`")).fix(whole, format!("{ty} {meant}")))
        }
        _ => None,
    }
}

fn choice_type(many: bool, choice: ChoiceId) -> Type {
    if many { Type::Choices(choice) } else { Type::Choice(choice) }
}
