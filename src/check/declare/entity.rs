//! An entity: its fields, keys, owner and delete behaviours.

use indexmap::IndexMap;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use super::{Declare, suggest, system, twice};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Default, DeleteBehaviour, Entity, Field, Key, MAX_FIELDS, Ownership, audit, definitions, jobs};
use crate::source::Span;
use crate::syntax::ast::{self, Member, TypeKind};
use crate::value::{Slot, Type};

impl Declare<'_> {
    /// Declares `entity account { … }`.
    pub(super) fn entity(&mut self, entity: &ast::Entity) -> Entity {
        let mut fields = IndexMap::new();
        let key = system::primary_key_field(entity);
        fields.insert(key.name.clone(), key);
        let audited = self.audited(entity);
        self.fields(entity, audited, &mut fields);
        let primary_name = self.primary_name(entity, &fields);
        let (owned_by, statuses) = match &entity.table {
            Some(_) => (Ownership::Organization, Vec::new()),
            None => {
                let owned_by = self.ownership(entity);
                let (statuses, states, reasons) = self.statuses(entity);
                self.system_fields(&mut fields, (owned_by, audited), (&statuses, states, reasons));
                (owned_by, statuses)
            }
        };
        let written = declared(entity).map(|field| field.name.text.as_str()).collect();
        self.delete_behaviours(entity, &written, &mut fields);
        let keys = self.keys(entity, &written, &fields);
        let read_only = entity.name.text == audit::ENTITY || definitions::are_in(&entity.name.text) || jobs::are_in(&entity.name.text);
        if read_only {
            fields.values_mut().for_each(|field| field.read_only = true);
        }
        let label = entity.label.as_ref().unwrap_or(&entity.name).text.clone();
        let table = entity.table.as_ref().map(|table| table.text.clone());
        let mut built = Entity { name: entity.name.text.clone(), label, fields, primary_name, keys, owned_by, statuses, read_only, table };
        self.mapping(entity, &mut built);
        built
    }

    fn fields(&mut self, entity: &ast::Entity, audited: bool, fields: &mut IndexMap<SmolStr, Field>) {
        let primary_key = system::primary_key(entity);
        let mut places: FxHashMap<String, &ast::Name> = FxHashMap::default();
        let unread = entity.members.iter().filter_map(|member| if let Member::Unread(word) = member { Some(word.clone()) } else { None });
        self.broken.extend(unread);
        for field in declared(entity) {
            let (name, lower) = (&field.name, field.name.text.to_ascii_lowercase());
            self.length_of(name);
            if lower == primary_key.to_ascii_lowercase() || crate::schema::system::ALL.contains(&lower.as_str()) {
                self.report(
                    Diagnostic::new(Code::E0203, name.span, format!("every entity has a field `{lower}` of its own"))
                        .help("use it as it is, or give this field another name"),
                );
            } else if let Some(first) = places.insert(lower, name) {
                self.report(twice("field", name, first));
            } else if places.len() == MAX_FIELDS + 1 {
                self.report(Diagnostic::new(Code::E0219, name.span, format!("an entity has {MAX_FIELDS} fields at most")));
            } else if let Some(built) = self.field(entity, field, audited).filter(|_| places.len() <= MAX_FIELDS) {
                fields.insert(name.text.clone(), built);
            } else {
                self.broken.insert(name.text.clone());
            }
        }
    }

    /// A field; `audited` is what its entity says, and the field's own word goes before it.
    fn field(&mut self, entity: &ast::Entity, field: &ast::Field, audited: bool) -> Option<Field> {
        let modifiers = self.modifiers(field);
        let required = modifiers.contains("required");
        let typed = self.typed(&field.ty, Some((&entity.name.text, field)))?;
        let on_delete = match typed.ty {
            Type::Lookup(_) if required => DeleteBehaviour::Restrict,
            _ => DeleteBehaviour::RemoveLink,
        };
        let mut built = Field {
            name: field.name.text.clone(),
            label: field.label.as_ref().unwrap_or(&field.name).text.clone(),
            ty: typed.ty,
            range: typed.range,
            max_length: typed.max_length,
            required,
            read_only: false,
            default: Default::None,
            on_delete,
            audited: modifiers.contains("audited") || audited && !modifiers.contains("unaudited"),
            column: field.column.as_ref().map(|column| column.text.clone()),
        };
        if let Some(default) = &field.default {
            built.default = self.default(&built, default);
        }
        Some(built)
    }

    /// The words behind the type of a field; `primary` is read by [`Self::primary_name`].
    fn modifiers<'a>(&mut self, field: &'a ast::Field) -> FxHashSet<&'a str> {
        const KNOWN: [&str; 4] = ["required", "primary", "audited", "unaudited"];
        let mut seen = FxHashSet::default();
        for modifier in &field.modifiers {
            let word = modifier.text.as_str();
            if !seen.insert(word) {
                self.report(Diagnostic::new(Code::E0220, modifier.span, format!("`{word}` stands twice")).help("write it once"));
            } else if !KNOWN.contains(&word) {
                let problem = Diagnostic::new(Code::E0213, modifier.span, format!("a field can't be `{word}`"));
                self.report(match self.nearest(word, KNOWN) {
                    Some(near) => suggest(problem, modifier.span, near),
                    None => problem.help("what can stand here is `required`, `primary`, `audited` and `unaudited`"),
                });
            } else if seen.contains("audited") && seen.contains("unaudited") {
                let problem = Diagnostic::new(Code::E0220, modifier.span, "`audited` and `unaudited` stand at one field");
                self.report(problem.help("keep the one that was meant"));
            }
        }
        seen
    }

    fn primary_name(&mut self, entity: &ast::Entity, fields: &IndexMap<SmolStr, Field>) -> Option<Slot> {
        let mut primary: Option<&ast::Name> = None;
        for field in declared(entity) {
            let Some(modifier) = field.modifiers.iter().find(|modifier| modifier.text == "primary") else { continue };
            if !matches!(field.ty.kind, TypeKind::Text(_)) {
                self.report(
                    Diagnostic::new(
                        Code::E0215,
                        modifier.span,
                        format!("`{}` is no `text` field, so it can't name a record", field.name.text),
                    )
                    .help("mark a `text` field as `primary`"),
                );
            } else if let Some(first) = primary {
                self.report(
                    Diagnostic::new(Code::E0215, modifier.span, "an entity has one primary field")
                        .also(first.span, "the first one is here")
                        .help("keep `primary` on the field that names a record"),
                );
            } else {
                primary = Some(&field.name);
            }
        }
        let first = || declared(entity).find(|field| matches!(field.ty.kind, TypeKind::Text(_))).map(|field| &field.name);
        fields.get_index_of(&primary.or_else(first)?.text).map(|index| Slot(index as u16))
    }

    fn ownership(&mut self, entity: &ast::Entity) -> Ownership {
        let mut owner = None;
        for member in &entity.members {
            if let Member::OwnedBy(word, span) = member {
                self.once(&mut owner, word, *span, "`owned by`");
            }
        }
        match owner {
            Some((word, _)) => {
                self.word_of(word, "owner", &[("user", Ownership::User), ("organization", Ownership::Organization)]).unwrap_or_default()
            }
            None => Ownership::default(),
        }
    }

    /// Whether the entity says `audit on`.
    fn audited(&mut self, entity: &ast::Entity) -> bool {
        let mut audit = None;
        for member in &entity.members {
            if let Member::Audit(span) = member {
                self.once(&mut audit, member, *span, "`audit on`");
            }
        }
        audit.is_some()
    }

    fn delete_behaviours(&mut self, entity: &ast::Entity, written: &FxHashSet<&str>, fields: &mut IndexMap<SmolStr, Field>) {
        const WORDS: [(&str, DeleteBehaviour); 3] =
            [("cascade", DeleteBehaviour::Cascade), ("restrict", DeleteBehaviour::Restrict), ("remove link", DeleteBehaviour::RemoveLink)];
        let mut seen: FxHashMap<&str, Span> = FxHashMap::default();
        for member in &entity.members {
            let Member::OnDelete(name, word, span) = member else { continue };
            let behaviour = self.word_of(word, "delete behaviour", &WORDS);
            if let Some(first) = seen.insert(&name.text, *span) {
                self.report(
                    Diagnostic::new(Code::E0220, *span, format!("what happens on delete of `{}` is said twice", name.text))
                        .also(first, "the first one is here")
                        .help("keep one of them"),
                );
                continue;
            }
            let Some(field) = self.lookup_field(name, written, fields) else { continue };
            match behaviour {
                Some(DeleteBehaviour::RemoveLink) if field.required => self.report(
                    Diagnostic::new(Code::E0221, word.span, format!("`{}` is required, so its link can't be removed", name.text))
                        .help("write `restrict` or `cascade`, or take away `required`")
                        .fix(word.span, "restrict"),
                ),
                Some(behaviour) => field.on_delete = behaviour,
                None => {}
            }
        }
    }

    /// The lookup that an `on delete of` is about.
    fn lookup_field<'f>(
        &mut self,
        name: &ast::Name,
        written: &FxHashSet<&str>,
        fields: &'f mut IndexMap<SmolStr, Field>,
    ) -> Option<&'f mut Field> {
        let lookup = |field: &Field| matches!(field.ty, Type::Lookup(_)) && !field.read_only;
        if fields.get(&name.text).is_some_and(lookup) {
            return fields.get_mut(&name.text);
        }
        if fields.get(&name.text).is_some_and(|field| field.read_only) {
            let problem = format!("`{}` is written by the platform, which has its own rule for it", name.text);
            self.report(
                Diagnostic::new(Code::E0212, name.span, problem).help("a record that others name in such a field can't be deleted"),
            );
        } else if fields.contains_key(&name.text) {
            let problem = format!("`{}` is no lookup, so no delete can reach over it", name.text);
            self.report(Diagnostic::new(Code::E0212, name.span, problem).help("only a `lookup` field has a behaviour on delete"));
        } else if !written.contains(name.text.as_str()) {
            let problem = Diagnostic::new(Code::E0212, name.span, format!("this entity has no field `{}`", name.text));
            let lookups = fields.values().filter(|field| lookup(field)).map(|field| field.name.as_str());
            self.report(match self.nearest(&name.text, lookups) {
                Some(near) => suggest(problem, name.span, near),
                None => problem.help("name a `lookup` field of this entity"),
            });
        }
        None
    }

    fn keys(&mut self, entity: &ast::Entity, written: &FxHashSet<&str>, fields: &IndexMap<SmolStr, Field>) -> Vec<Key> {
        let mut keys: Vec<Key> = Vec::new();
        let mut known: FxHashSet<Vec<Slot>> = FxHashSet::default();
        for member in &entity.members {
            let Member::Key(names, span) = member else { continue };
            let mut slots = Vec::with_capacity(names.len());
            let mut whole = true;
            for name in names {
                let slot = self.key_field(name, written, fields);
                match slot {
                    Some(slot) if slots.contains(&slot) => {
                        self.report(
                            Diagnostic::new(Code::E0211, name.span, format!("`{}` stands twice in this key", name.text))
                                .help("name each field of a key once"),
                        );
                    }
                    Some(slot) => slots.push(slot),
                    None => whole = false,
                }
            }
            let mut ordered = slots.clone();
            ordered.sort_unstable();
            if !whole || slots.is_empty() {
                continue;
            }
            if known.insert(ordered) {
                keys.push(Key { fields: slots });
            } else {
                self.report(
                    Diagnostic::new(Code::E0220, *span, "a key over these fields is declared already")
                        .help("take one of them away")
                        .fix(*span, ""),
                );
            }
        }
        keys
    }

    fn key_field(&mut self, name: &ast::Name, written: &FxHashSet<&str>, fields: &IndexMap<SmolStr, Field>) -> Option<Slot> {
        if let Some(index) = fields.get_index_of(&name.text) {
            return Some(Slot(index as u16));
        }
        if !written.contains(name.text.as_str()) {
            let problem = Diagnostic::new(Code::E0210, name.span, format!("this entity has no field `{}`", name.text));
            self.report(match self.nearest(&name.text, fields.keys().map(SmolStr::as_str)) {
                Some(near) => suggest(problem, name.span, near),
                None => problem.help("a key is made of fields of its entity: declare the field, or name another"),
            });
        }
        None
    }

    /// Keeps the first of what an entity says once, and reports the others.
    pub(super) fn once<'a, T>(&mut self, kept: &mut Option<(&'a T, Span)>, found: &'a T, span: Span, what: &str) {
        match kept {
            None => *kept = Some((found, span)),
            Some((_, first)) => {
                let problem = Diagnostic::new(Code::E0220, span, format!("{what} stands twice in this entity"));
                self.report(problem.also(*first, "the first one is here").help("keep one of them"));
            }
        }
    }

    /// What a word of a fixed list means.
    fn word_of<T: Copy>(&mut self, word: &ast::Name, what: &str, words: &[(&'static str, T)]) -> Option<T> {
        if let Some((_, meaning)) = words.iter().find(|(known, _)| *known == word.text) {
            return Some(*meaning);
        }
        let problem = Diagnostic::new(Code::E0213, word.span, format!("there is no {what} `{}`", word.text));
        let known: Vec<String> = words.iter().map(|(known, _)| format!("`{known}`")).collect();
        self.report(match self.nearest(&word.text, words.iter().map(|(known, _)| *known)) {
            Some(near) => suggest(problem, word.span, near),
            None => problem.help(format!("write {}", known.join(" or "))),
        });
        None
    }
}

/// The fields that an entity declares.
pub(super) fn declared(entity: &ast::Entity) -> impl Iterator<Item = &ast::Field> {
    entity.members.iter().filter_map(|member| if let Member::Field(field) = member { Some(field) } else { None })
}
