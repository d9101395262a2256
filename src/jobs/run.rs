//! Running what is due: take up the first job, take it from step to step until it rests or ends, and again.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::bytecode::FlowCode;
use crate::pipeline::{Job, JobText, Pipeline, Progress, Share, Work};
use crate::schema::jobs::Kind;
use crate::store::StoreError;
use crate::value::Uuid;

/// How long a worker may be silent before others take up its jobs, where nobody says.
pub const LEASE: SignedDuration = SignedDuration::from_secs(15);

/// Where the statements of earlier activations come from.
pub trait Library: Send {
    /// The flow of an activation, with the numbers of the pipeline's schema; else why there is none.
    fn flow(&mut self, activation: Uuid) -> Result<FlowCode, String>;
}

/// For a store without deployed definitions: there are no activations.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLibrary;

impl Library for NoLibrary {
    fn flow(&mut self, _: Uuid) -> Result<FlowCode, String> {
        Err("the activation that it started with isn't here".to_owned())
    }
}

/// Runs jobs with a pipeline, as one worker.
pub struct Runner<'a> {
    pipeline: &'a mut Pipeline,
    library: &'a mut dyn Library,
    worker: SmolStr,
    lease: SignedDuration,
    share: Share,
    /// What jobs of a name and an activation run, which is what is active now or isn't, as far as it was asked for.
    known: FxHashMap<(SmolStr, Option<Uuid>, bool), Work>,
}

impl std::fmt::Debug for Runner<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Runner").field("worker", &self.worker).finish_non_exhaustive()
    }
}

impl<'a> Runner<'a> {
    /// A worker of a name that no other has, which may be silent for so long before others take up its jobs.
    pub fn new(pipeline: &'a mut Pipeline, library: &'a mut dyn Library, worker: impl Into<SmolStr>, lease: SignedDuration) -> Self {
        Runner { pipeline, library, worker: worker.into(), lease, share: Share::All, known: FxHashMap::default() }
    }

    /// The same, for a share of the jobs.
    pub fn sharing(self, share: Share) -> Self {
        Runner { share, ..self }
    }

    /// Takes up the job that is due first, and takes it as far as it goes, or until `enough` says so between two of its steps: then it is
    /// handed back. Gives the job as it was left; nothing where none is due.
    pub fn run_one(&mut self, enough: &dyn Fn(&Job) -> bool) -> Result<Option<Job>, StoreError> {
        let Some(mut job) = self.pipeline.claim_job(&self.worker, self.lease, self.share)? else { return Ok(None) };
        let work = self.work(&job);
        loop {
            match self.pipeline.advance_job(&mut job, &work, self.lease)? {
                Progress::GoesOn if enough(&job) => {
                    self.pipeline.hand_back(&self.worker)?;
                    let handed_back = self.pipeline.job(job.id).map_err(|fault| StoreError::Failed(fault.message))?;
                    return Ok(Some(handed_back.unwrap_or(job)));
                }
                Progress::GoesOn => {}
                Progress::Rests | Progress::Ended | Progress::Lost => return Ok(Some(job)),
            }
        }
    }

    /// When anything was last done with the definitions of the store: what this worker knows of them is as old.
    pub fn deployed(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.pipeline.last_deployed()
    }

    /// The file of the store is no longer where it was: nothing more is done with it.
    pub fn abandon(&mut self) {
        self.pipeline.abandon();
    }

    /// Gives back what the worker had, as far as it still has it.
    pub fn hand_back(&mut self) -> Result<usize, StoreError> {
        self.pipeline.hand_back(&self.worker)
    }

    /// Has the leases of jobs begin now that were last written at a time which is yet to come: the clock was put back. For a
    /// worker that doesn't stay; one that does looks twice.
    pub fn mend_leases(&mut self) -> Result<usize, StoreError> {
        self.pipeline.renew_leases_of_the_future(self.lease, None)
    }

    /// When the next job is due that no worker has.
    pub fn next_due(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.pipeline.next_due(self.share)
    }

    /// Queues what waits in the outbox and isn't in the queue yet; gives how many e-mails those were.
    pub fn queue_outbox(&mut self) -> Result<usize, StoreError> {
        self.pipeline.queue_outbox()
    }

    /// Lets jobs be taken up at once that rest since something wasn't allowed or named, which it may be here. Gives how many they are.
    pub fn look_again(&mut self) -> Result<usize, StoreError> {
        self.pipeline.look_again()
    }

    fn work(&mut self, job: &Job) -> Work {
        match job.kind {
            Kind::Plugin if self.pipeline.has_plugin(&job.name) => return Work::Plugin,
            Kind::Plugin => return Work::Gone(format!("there is no plug-in `{}` here", job.name)),
            Kind::Mail => return Work::Mail,
            Kind::BackgroundOperation => return Work::Operations,
            Kind::Callback => return Work::Callback,
            Kind::Flow => {}
        }
        // A job that began nowhere, under no activation, takes what is there.
        let active = job.activation == self.pipeline.activation_of(&job.name) || job.activation.is_none() && job.position.is_none();
        let key = (job.name.clone(), job.activation, active);
        if let Some(work) = self.known.get(&key) {
            return work.clone();
        }
        let work = match self.pipeline.program().flow(&job.name).filter(|_| active) {
            Some(flow) => Work::Flow(Arc::new(flow.clone()), JobText::AtHand),
            None => match job.activation {
                Some(activation) => match self.library.flow(activation) {
                    Ok(flow) => Work::Flow(Arc::new(flow), JobText::Elsewhere),
                    Err(why) => Work::Gone(why),
                },
                None => Work::Gone(format!("there is no flow `{}` here", job.name)),
            },
        };
        self.known.insert(key, work.clone());
        work
    }
}

/// Runs every job that is due now and that the pipeline itself knows, in the order in which they became so. Gives each as it was left.
pub fn run_due(pipeline: &mut Pipeline) -> Result<Vec<Job>, StoreError> {
    let mut library = NoLibrary;
    let mut runner = Runner::new(pipeline, &mut library, format!("by hand in process {}", std::process::id()), LEASE).sharing(Share::Known);
    std::iter::from_fn(|| runner.run_one(&|_| false).transpose()).collect()
}

/// Moves the time of a pipeline on to a moment, from due time to due time, and runs each job at its own. Says no where the moment
/// lies in the past.
pub fn advance(pipeline: &mut Pipeline, moment: Timestamp) -> Result<Option<Vec<Job>>, StoreError> {
    if moment < pipeline.time() {
        return Ok(None);
    }
    let mut ran = run_due(pipeline)?;
    while let Some(due) = pipeline.next_due(Share::Known)?.filter(|due| *due <= moment) {
        pipeline.advance_to(due);
        ran.extend(run_due(pipeline)?);
    }
    pipeline.advance_to(moment);
    Ok(Some(ran))
}
