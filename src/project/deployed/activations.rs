//! Earlier activations: what a job runs that began before its flow was deployed anew. The statements are those of then, with the
//! numbers of the schema of now; what they start and perform is what is active now.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::load::{self, Stored};
use super::{LifeError, existing};
use crate::bytecode::{self, FlowCode};
use crate::jobs::Library;
use crate::pipeline::Deployment;
use crate::pipeline::definitions::{self, Category};
use crate::schema::Schema;
use crate::source::Sources;
use crate::store::{Store, StoreError};
use crate::value::Uuid;

/// The activations that a store holds.
#[derive(Debug)]
pub struct Activations {
    url: String,
    /// The schema of whoever runs them.
    schema: Arc<Schema>,
}

impl Activations {
    /// Those of the store that a URL names.
    pub fn new(url: &str, schema: Arc<Schema>) -> Self {
        Activations { url: url.to_owned(), schema }
    }

    fn read(&self, activation: Uuid) -> Result<FlowCode, LifeError> {
        let mut store = existing(&self.url)?;
        store.begin_reading()?;
        let unusable = |why: String| LifeError::from(StoreError::Unusable(why));
        let mut stored = load::stored(&mut *store)?.ok_or_else(|| unusable("the store holds no project any more".to_owned()))?;
        let (definition, bytes) = definitions::activation(&mut *store, &load::built_in(), activation)?;
        store.rollback()?;
        let bundle = bytecode::decode_part(&bytes).map_err(|error| unusable(error.to_string()))?;
        let piece = stored.pieces.iter_mut().find(|piece| piece.row.id == definition);
        let piece = piece.ok_or_else(|| unusable("its definition is gone".to_owned()))?;
        (piece.bundle, piece.row.activation) = (bundle, Some(activation));
        let name = piece.row.name.clone();
        let program = load::assemble(&self.schema, &stored.pieces, &mut Sources::default()).map_err(|(_, why)| unusable(why))?;
        program.flow(&name).cloned().ok_or_else(|| unusable(format!("it holds no flow `{name}`")))
    }
}

impl Library for Activations {
    fn flow(&mut self, activation: Uuid) -> Result<FlowCode, String> {
        self.read(activation).map_err(|error| format!("the activation that it started with can't be used: {error}"))
    }
}

impl Stored {
    /// What a store says of its flows to whoever runs them.
    pub(super) fn deployment(&self, awaited: &[String]) -> Deployment {
        let mut activations = BTreeMap::new();
        for piece in self.pieces.iter().filter(|piece| piece.row.category != Category::Action) {
            activations.extend(piece.row.activation.map(|id| (piece.row.name.clone(), id)));
        }
        let fields = awaited.iter().flat_map(|fields| fields.split_whitespace());
        let awaited = fields.filter_map(|field| field.split_once('.')).map(|(entity, field)| (entity.into(), field.into())).collect();
        Deployment { activations, awaited }
    }
}

/// The columns of all activations that say which fields their waits look at.
pub(super) fn awaited(store: &mut dyn Store) -> Result<Vec<String>, StoreError> {
    definitions::awaited(store, &load::built_in())
}
