//! Values as the language writes them, for people who read about a run. What can be read again is in `json.rs`.

use super::Schema;
use crate::value::{Type, Value, text};

impl Schema {
    /// A value as the language writes it: a text in quotes, no more of it than `longest` characters, an option by its name, a record by its
    /// entity and id, `empty` where there is none. Options are told by their codes where the type isn't known.
    pub fn written(&self, value: &Value, ty: Option<&Type>, longest: usize) -> String {
        let option = |code: &i32| {
            let choice = if let Some(Type::Choice(choice) | Type::Choices(choice)) = ty { self.choice(*choice) } else { None };
            choice.and_then(|choice| choice.by_code(*code)).map_or_else(|| code.to_string(), |option| option.name.to_string())
        };
        match value {
            Value::Empty => "empty".to_owned(),
            Value::Text(text) => {
                let mut shown: String = text.chars().take(longest).collect();
                if shown.len() < text.len() {
                    shown.push('…');
                }
                format!("\"{shown}\"")
            }
            Value::Choice(code) => option(code),
            Value::Choices(codes) => format!("[{}]", codes.iter().map(option).collect::<Vec<_>>().join(", ")),
            Value::Reference(record) => {
                let entity = self.entity(record.entity).map_or("", |entity| entity.name.as_str());
                format!("{entity} {}", record.id)
            }
            _ => text::display(value).to_string(),
        }
    }
}
