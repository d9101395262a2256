//! Telling somebody that a background operation has ended: a job of its own, queued in the transaction in which that ended. So whoever
//! doesn't answer undoes nothing and holds up nothing of it, and is asked again as any job is tried again.
//!
//! Only hosts that the configuration names are told, looked at when the callback is asked for and again when it is sent. What a name leads
//! to is known only then: whoever sends it keeps to public addresses, unless the configuration says otherwise of that host.

use std::time::Duration;

use serde_json::json;
use smol_str::SmolStr;

use super::Job;
use super::background::Batch;
use super::queue::Asked;
use super::recall::Recall;
use crate::bytecode::{WebAddress, WrongAddress};
use crate::diagnostic::Code;
use crate::pipeline::engine::Engine;
use crate::pipeline::external::is_public;
use crate::pipeline::fault::fault;
use crate::pipeline::{CallError, Callbacks, Notice, Pipeline, into_fault};
use crate::schema::jobs::{Kind, Status, columns};
use crate::store::StoreError;
use crate::value::{Reference, Uuid, Value};
use crate::vm::{Fault, Interrupt};

/// How long whoever is called back may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The name of such a job.
const NAME: &str = "Callback";

impl Callbacks {
    /// Whether an address may be called back, and whether it may be anywhere (else only at a public address); why not.
    pub(crate) fn allow(&self, url: &str) -> Result<bool, String> {
        let address = WebAddress::parse(url).map_err(|wrong| match wrong {
            WrongAddress::Plain => "elsewhere than at this machine its address has to begin with `https://`".to_owned(),
            wrong => wrong.to_string(),
        })?;
        let means = |hosts: &[String]| hosts.iter().any(|host| address.is_meant_by(host));
        if means(&self.private_hosts) {
            return Ok(true);
        }
        let host = address.host;
        let number = host.trim_start_matches('[').trim_end_matches(']').parse();
        let local = host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
        let shown = address.port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let (what, list) = match local || number.is_ok_and(|number| !is_public(number)) {
            true => ("is no public address, and isn't among the `private_hosts`", "private_hosts"),
            false if means(&self.hosts) => return Ok(false),
            false => ("isn't among the hosts", "hosts"),
        };
        Err(format!(
            "`{shown}` {what} that may be called back: name it in `{list}` under `[callbacks]` of weir.toml, and deploy that (`weir deploy`)"
        ))
    }
}

impl Pipeline {
    /// The job that tells of the end of a background operation, where that has ended and somebody is to be told.
    pub fn callback_of(&mut self, job: Uuid) -> Result<Option<Job>, Fault> {
        let callback = self.job(job)?.and_then(|job| job.batch?.told_by);
        callback.map_or(Ok(None), |callback| self.job(callback))
    }
}

impl Engine {
    /// Queues what tells of the end of a job, where that is a background operation and somebody is to be told. It holds all that is to be told, for the
    /// operation may be gone by then.
    pub(super) fn queue_callback(&mut self, job: &Job) -> Result<(), StoreError> {
        let Some((batch, url)) = job.batch.as_ref().and_then(|batch| Some((batch, batch.callback.clone()?))) else { return Ok(()) };
        let mut body = json!({
            "location": self.location(job.id),
            "backgroundOperationId": job.id.to_string(),
            "backgroundOperationStateCode": job.status.state() as i32,
            "backgroundOperationStatusCode": job.status as i32,
        });
        if let (Status::Failed, Some(members)) = (job.status, body.as_object_mut()) {
            members.insert("backgroundOperationErrorCode".to_owned(), json!(job.error_code));
            members.insert("backgroundOperationErrorMessage".to_owned(), json!(job.message));
        }
        let recall = Recall { inputs: vec![Value::Text(url), Value::Text(body.to_string().into())], ..Recall::default() };
        let (name, record) = (SmolStr::new_static(NAME), Reference { entity: self.jobs_entity()?, id: job.id });
        let asked = Asked { name: &name, kind: Kind::Callback, record, owner: job.owner, depth: 1, token: None };
        self.correlation = Some(job.correlation);
        let id = (self.settings.ids)();
        self.queue_as(id, &asked, &recall).map_err(|interrupt| StoreError::Failed(into_fault(interrupt).message))?;
        let told = Batch { told_by: Some(id), ..batch.clone() };
        self.change_row(record.entity, job.id, &[(columns::PROGRESS, Value::Text(told.write()))])
    }

    /// Sends a callback, outside any transaction.
    pub(super) fn call_back(&mut self, operation: Reference, recall: &Recall) -> Result<(), Interrupt> {
        let [Value::Text(url), Value::Text(body)] = recall.inputs.as_slice() else {
            return Err(fault(Code::F15, "what the database holds of the callback is damaged"));
        };
        let anywhere = self.settings.callbacks.allow(url).map_err(|why| fault(Code::F20, format!("not called back: {why}")))?;
        let ca = self.settings.callbacks.ca.clone();
        let Some(outside) = self.settings.outside.as_mut() else {
            return Err(fault(Code::F20, "not called back: nothing outside can be called here"));
        };
        let notice = Notice { url: url.to_string(), body: body.to_string(), key: operation.id.to_string(), anywhere, ca };
        // The address may hold a secret behind its host.
        let host = WebAddress::parse(url).map_or("", |address| address.host);
        outside.notify(&notice, PATIENCE).map_err(|error| match error {
            CallError::OutOfTime => fault(Code::F21, format!("the callback to `{host}` took longer than {} seconds", PATIENCE.as_secs())),
            CallError::Failed(words) => fault(Code::F21, format!("the callback to `{host}` {words}")),
        })
    }
}
