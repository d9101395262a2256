//! What a job does outside any transaction of its own: a plug-in, from its beginning to its end, and a callback.
//!
//! A plug-in has no steps that anybody else could see: each operation that it asks for is kept by itself, as on the platform, and
//! after a crash it begins anew. Nothing of it is kept any more once another worker has the job.

use super::Job;
use super::step::{Failed, Reached, Work};
use crate::diagnostic::Code;
use crate::pipeline::calls;
use crate::pipeline::engine::Engine;
use crate::pipeline::fault::fault;
use crate::pipeline::target::Scene;
use crate::store::StoreError;

impl Engine {
    /// Ends the transaction in which the job is held, does the work, and begins another one in which it is held; nothing where it isn't any
    /// more. What the work came to counts, whatever somebody wants of the job by then.
    pub(super) fn outside(&mut self, job: &mut Job, work: &Work) -> Result<Option<Result<Reached, Failed>>, StoreError> {
        self.commit()?;
        self.open = false;
        self.held = job.worker.clone().map(|worker| (job.id, worker));
        let result = if matches!(work, Work::Callback) { self.called_back(job) } else { self.plugin_of(job) };
        self.held = None;
        Ok(self.holds(job)?.then_some(result))
    }

    /// A plug-in, from its beginning to its end.
    fn plugin_of(&mut self, job: &Job) -> Result<Reached, Failed> {
        let plain = |interrupt| Failed { interrupt, refused: false };
        let plugin = self.plugins.iter().find(|plugin| plugin.name == job.name).cloned();
        let plugin = plugin.ok_or_else(|| plain(fault(Code::F13, format!("there is no plug-in `{}` here", job.name))))?;
        let (record, recall) = self.begun(job).map_err(plain)?;
        self.enter_chain(&plugin.name, record).map_err(plain)?;
        let (action, inputs, outputs) = (recall.action.clone(), recall.inputs.clone(), recall.outputs.clone());
        let mut scene = Scene::recalled(record, recall, job.depth, job.owner, self.epoch);
        self.epoch += 1;
        (scene.action, scene.inputs, scene.outputs) = (action, inputs, outputs);
        // Whoever refuses, the plug-in or a flow on what it does: it failed.
        let failed = |interrupt| Failed { interrupt, refused: true };
        calls::run(self, &mut scene, &plugin).map(|()| Reached::Ended(None)).map_err(failed)
    }

    /// A callback, outside any transaction.
    fn called_back(&mut self, job: &Job) -> Result<Reached, Failed> {
        let failed = |interrupt| Failed { interrupt, refused: true };
        let (record, recall) = self.begun(job).map_err(failed)?;
        self.call_back(record, &recall).map(|()| Reached::Ended(None)).map_err(failed)
    }
}
