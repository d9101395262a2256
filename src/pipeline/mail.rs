//! E-mails on their way out: which record becomes a letter, what is in it, and what a mail server makes of it.
//!
//! An e-mail goes out when a create or an update brings it to the status `pendingsend`: a system job then sends it, queued in the
//! same transaction. How a letter is handed to a server is not in here ([`Mailer`]); the core asks no network by itself.

use std::sync::Arc;
use std::time::Duration;

use super::engine::Engine;
use super::target::Scene;
use crate::schema::{FieldSet, Row, outbox, system};
use crate::store::StoreError;
use crate::value::text::{display, quoted};
use crate::value::{EntityId, Reference, Type, Uuid, Value};
use crate::vm::Interrupt;

/// An e-mail as it is handed to a mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// What it is known by, however often it is sent: the id of its record.
    pub id: Uuid,
    /// From whom it is; without an address where the record has none, and the mail server's own is meant.
    pub from: Mailbox,
    /// To whom it goes; always with an address, which nobody has held against any form yet.
    pub to: Mailbox,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// Somebody who writes or gets letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// What people call them; may be empty.
    pub name: String,
    /// The address, where there is one.
    pub address: Option<String>,
}

/// Why a letter isn't sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// Nobody sends letters from here, until somebody sees to it: nothing was tried.
    NotHere(String),
    /// It may go better later.
    ForNow(String),
    /// It can't be sent as it is.
    Never(String),
    /// It isn't to be sent any more.
    Needless(String),
}

/// Hands letters to a mail server.
pub trait Mailer: Send {
    /// Hands over a letter; each exchange with the server may take so long.
    fn send(&mut self, letter: &Letter, limit: Duration) -> Result<(), Undelivered>;
}

impl Engine {
    /// Whether a create or an update makes an e-mail one that a job has to send.
    pub(super) fn goes_out(&mut self, scene: &mut Scene) -> Result<bool, Interrupt> {
        if !self.settings.queues_mail || self.outbox() != Some(scene.record.entity) {
            return Ok(false);
        }
        let schema = Arc::clone(&self.schema);
        let slot = schema.entity(scene.record.entity).and_then(|entity| entity.slot(system::STATUS));
        let pending = outbox::status(&schema, outbox::PENDING).map(|(code, _)| Value::Choice(code));
        let (Some(slot), Some(pending)) = (slot, pending) else { return Ok(false) };
        // One that waits already has its job.
        Ok(scene.target.get(slot) == Some(&pending) && *scene.old(self, slot)? != pending)
    }

    /// The entity of e-mails.
    pub(super) fn outbox(&self) -> Option<EntityId> {
        self.schema.entity_id(outbox::ENTITY)
    }

    /// What is in an e-mail, in the transaction that is open.
    pub(super) fn letter(&mut self, id: Uuid) -> Result<Result<Letter, Undelivered>, StoreError> {
        let needless = |why: &str| Ok(Err(Undelivered::Needless(why.to_owned())));
        let Some(entity) = self.outbox() else { return needless("the schema has no e-mails any more") };
        let Some(row) = self.whole(Reference { entity, id })? else { return needless("the e-mail is gone") };
        let schema = Arc::clone(&self.schema);
        let value = |name: &str| schema.entity(entity).and_then(|entity| entity.slot(name)).and_then(|slot| row.get(slot));
        let text = |name: &str| value(name).and_then(Value::as_text).unwrap_or_default().to_owned();
        let record = |name: &str| if let Some(Value::Reference(record)) = value(name) { Some(*record) } else { None };
        let pending = outbox::status(&schema, outbox::PENDING).map(|(code, _)| Value::Choice(code));
        if value(system::STATUS) != pending.as_ref() {
            return needless("the e-mail doesn't wait to be sent any more");
        }
        let (subject, body) = (text(outbox::SUBJECT), text(outbox::BODY));
        let (from, to) = (record(outbox::FROM), record(outbox::TO));
        let Some(to) = to else { return Ok(Err(Undelivered::Never("`to` is empty".to_owned()))) };
        let from = match from {
            Some(from) => self.mailbox(from)?.unwrap_or_default(),
            None => Mailbox::default(),
        };
        Ok(match self.mailbox(to)? {
            None => Err(Undelivered::Never("the record that `to` names is gone".to_owned())),
            Some(found) if found.address.is_none() => Err(Undelivered::Never(self.no_address(&found, to.entity))),
            Some(to) => Ok(Letter { id, from, to, subject, body }),
        })
    }

    /// Who a record is to a mail server; nothing where it is gone.
    fn mailbox(&mut self, record: Reference) -> Result<Option<Mailbox>, StoreError> {
        let Some(row) = self.whole(record)? else { return Ok(None) };
        let Some(entity) = self.schema.entity(record.entity) else { return Ok(None) };
        let name = entity.primary_name.and_then(|slot| row.get(slot)).map(|name| display(name).to_string()).unwrap_or_default();
        let address = self.address_field(record.entity).and_then(|field| row.get(entity.slot(field)?)).and_then(Value::as_text);
        Ok(Some(Mailbox { name, address: address.map(str::trim).filter(|address| !address.is_empty()).map(str::to_owned) }))
    }

    /// The field that holds the addresses of an entity's records.
    fn address_field(&self, entity: EntityId) -> Option<&'static str> {
        let entity = self.schema.entity(entity)?;
        let is_text = |name: &&str| entity.fields.get(*name).is_some_and(|field| matches!(field.ty, Type::Text));
        outbox::ADDRESSES.into_iter().find(is_text)
    }

    fn no_address(&self, to: &Mailbox, entity: EntityId) -> String {
        let name = self.schema.entity(entity).map_or("", |entity| entity.name.as_str());
        match self.address_field(entity) {
            Some(field) => format!("{} has no e-mail address: fill `{name}.{field}`, then send it again", quoted(&to.name)),
            None => {
                let fields = outbox::ADDRESSES.map(|field| format!("`{field}`")).join(", ");
                format!("a `{name}` has no field for an e-mail address, which is called one of {fields}")
            }
        }
    }

    /// A record with all its fields.
    fn whole(&mut self, record: Reference) -> Result<Option<Row>, StoreError> {
        let fields: FieldSet = self.layouts.get(usize::from(record.entity.0)).map(|layout| layout.all.clone()).unwrap_or_default();
        Ok(self.store.read(record.entity, &[record.id], &fields)?.into_iter().next().flatten())
    }
}
