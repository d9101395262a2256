//! What pest says when it can't go on, in terms that no longer are pest's.

use pest::error::{Error, ErrorVariant, InputLocation};

use super::Rule;

/// Where reading stopped, and what could have stood there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::syntax) struct Failure {
    /// Offset in the text that was read.
    pub(in crate::syntax) at: usize,
    /// What could have stood there, each kind once.
    pub(in crate::syntax) expected: Vec<Expected>,
}

/// Something that could have stood where reading stopped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::syntax) enum Expected {
    /// A value: anything that an expression can start with.
    Value,
    /// A name that is not reserved.
    Name,
    /// Any word.
    Word,
    /// A text.
    Text,
    /// A title, label or URL: a text without expressions in it.
    Plain,
    /// A number.
    Number,
    /// A type.
    Type,
    /// A `{`.
    Brace,
    /// A sign that sets: `=`.
    Assign,
    /// This word.
    Keyword(String),
    /// `minutes`, `days`, …
    Unit,
    /// One of the three outcomes of a job.
    Outcome,
    /// A statement.
    Statement,
    /// A clause.
    Clause,
    /// A declaration.
    Declaration,
    /// An operator; what was read so far could have ended here.
    Operator,
    /// Nothing more.
    End,
}

pub(super) fn from_pest(error: Error<Rule>) -> Failure {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let mut expected: Vec<Expected> = match error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.into_iter().filter_map(kind).collect(),
        ErrorVariant::CustomError { .. } => Vec::new(),
    };
    expected.sort();
    expected.dedup();
    Failure { at, expected }
}

fn kind(rule: Rule) -> Option<Expected> {
    Some(match rule {
        Rule::EOI => Expected::End,
        Rule::expr
        | Rule::reference
        | Rule::record_root
        | Rule::quantity
        | Rule::group
        | Rule::literal
        | Rule::date
        | Rule::datetime
        | Rule::constant
        | Rule::option_path
        | Rule::record
        | Rule::minus
        | Rule::query
        | Rule::order_key => Expected::Value,
        Rule::text | Rule::block_text => Expected::Text,
        Rule::plain => Expected::Plain,
        Rule::name | Rule::alias | Rule::user_role | Rule::user_unit | Rule::user_team => Expected::Name,
        Rule::word
        | Rule::hword
        | Rule::event
        | Rule::event_name
        | Rule::level
        | Rule::write
        | Rule::option
        | Rule::right
        | Rule::delete_rule
        | Rule::via_word
        | Rule::field => Expected::Word,
        Rule::number | Rule::signed | Rule::low | Rule::high => Expected::Number,
        Rule::unit => Expected::Unit,
        Rule::outcome => Expected::Outcome,
        Rule::type_expr | Rule::type_word => Expected::Type,
        Rule::block
        | Rule::options
        | Rule::values
        | Rule::flow_body
        | Rule::entity_body
        | Rule::plugin_body
        | Rule::role_body
        | Rule::wait_branches => Expected::Brace,
        Rule::write_operator | Rule::kw_sign_assign => Expected::Assign,
        Rule::operator | Rule::kw_in | Rule::kw_is | Rule::in_list | Rule::is_empty | Rule::skip_mark | Rule::call | Rule::key => {
            Expected::Operator
        }
        Rule::kw_sign_arrow => Expected::Keyword("=>".to_owned()),
        Rule::kw_sign_bar => Expected::Keyword("|".to_owned()),
        Rule::kw_sign_close => Expected::Keyword(")".to_owned()),
        Rule::kw_sign_colon => Expected::Keyword(":".to_owned()),
        Rule::kw_sign_range => Expected::Keyword("..".to_owned()),
        _ => return by_name(rule),
    })
}

fn by_name(rule: Rule) -> Option<Expected> {
    let name = format!("{rule:?}");
    if let Some(word) = name.strip_prefix("kw_") {
        return Some(Expected::Keyword(word.to_owned()));
    }
    if name.ends_with("_statement") {
        return Some(Expected::Statement);
    }
    if name.ends_with("_clause") {
        return Some(Expected::Clause);
    }
    (name.ends_with("_head") || matches!(rule, Rule::flow | Rule::entity | Rule::test)).then_some(Expected::Declaration)
}
