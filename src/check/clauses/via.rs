//! Where code outside the language is: `via host`, `via command "…"`, `via webhook "https://…"`.

use super::super::declare::Declare;
use super::Clauses;
use super::words::{self, ViaWord};
use crate::bytecode::{Via, WebAddress, command_words};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::Name;

/// Reads the `via` clause, where there is one that can be used.
pub(super) fn read(clauses: &Clauses, declare: &mut Declare) -> Option<Via> {
    let ((word, text), span) = clauses.via?;
    let via = match (words::via(word, declare)?, text) {
        (ViaWord::Host, None) => Some(Via::Host),
        (ViaWord::Host, Some(text)) => {
            let problem = Diagnostic::new(Code::E0342, text.span, "`via host` takes no text");
            declare.report(problem.help("the embedding program binds a function to the name of the declaration").fix(text.span, ""));
            Some(Via::Host)
        }
        (ViaWord::Command, Some(text)) => command(text, declare),
        (ViaWord::Webhook, Some(text)) => webhook(text, declare),
        (ViaWord::Command, None) => missing(span, "`via command` needs the command", "write `via command \"score --fast\"`", declare),
        (ViaWord::Webhook, None) => missing(span, "`via webhook` needs an address", "write `via webhook \"https://…\"`", declare),
    }?;
    if via != Via::Host {
        beyond_reach(word, clauses, declare);
    }
    Some(via)
}

/// Another program answers with changes of the record, inputs and outputs; the transaction is out of its reach.
fn beyond_reach(via: &Name, clauses: &Clauses, declare: &mut Declare) {
    for (word, names) in clauses.effects.iter().filter(|(word, _)| !["reads", "sets"].contains(&word.text.as_str())) {
        let Some(name) = names.first() else { continue };
        let message = format!("code `via {}` can't do what `{} {}` says", via.text, word.text, name.text);
        let help = "it reads and sets fields of its record; leave the other effects out, or use `via host`, whose functions do operations";
        declare.report(Diagnostic::new(Code::W0304, word.span.to(name.span), message).also(via.span, "another program").help(help));
    }
}

fn missing(span: Span, message: &str, help: &str, declare: &mut Declare) -> Option<Via> {
    declare.report(Diagnostic::new(Code::E0342, span, message).help(help));
    None
}

fn command(text: &Name, declare: &mut Declare) -> Option<Via> {
    if text.text.contains(char::is_control) || command_words(&text.text).is_none() {
        return missing(text.span, "this is no command", "write the program and its arguments: `\"score --fast\"`", declare);
    }
    Some(Via::Command(text.text.clone()))
}

fn webhook(text: &Name, declare: &mut Declare) -> Option<Via> {
    match WebAddress::parse(&text.text) {
        Ok(_) => Some(Via::Webhook(text.text.clone())),
        Err(wrong) => {
            let problem = Diagnostic::new(Code::E0345, text.span, wrong.to_string());
            declare.report(
                problem.help("write an address like `https://example.com/hook`; only this machine itself can be called by `http://`"),
            );
            None
        }
    }
}
