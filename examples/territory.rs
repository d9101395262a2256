//! A territory gets another manager: 10,000 leads are handed over as one background operation, while the program does other things, and an
//! HTTP server of its own is called back when it is done.
//!
//! `cargo run --example territory`

#![expect(clippy::print_stdout, reason = "it shows what happens on standard output")]

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::atomic::AtomicBool;
use std::thread;

use jiff::SignedDuration;
use weir::pipeline::{Background, Operation, Permission, Pipeline, Settings};
use weir::project::{Compiled, News, Project, Work};
use weir::schema::Row;
use weir::value::{Reference, Value};

const LEADS: u32 = 10_000;

const RULES: &str = r#"
entity territory {
  name     text(100) required
  manager  text(100) required
}

entity lead {
  name       text(100) required
  territory  lookup territory
  handovers  integer = 0
  greeting   text(300)
}

flow Handover on lead {
  trigger update(territory)
  stage   pre-operation

  if territory is not empty {
    set handovers += 1, greeting = "Your contact is now {territory.manager}."
  }
}
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("crm.db").display());
    let mut compiled = Project::from_text("rules.flow", RULES).compile()?;
    // As `[callbacks]` in `weir.toml` says it. A host elsewhere stands among the `hosts`, and is called by https alone.
    compiled.config.callbacks.private_hosts = vec!["127.0.0.1".to_owned()];
    compiled.deploy(&url, Settings::system(), None).map_err(|error| format!("{error:?}"))?;
    let mut pipeline = compiled.open(&url, compiled.config.apply(Settings::system()))?;
    pipeline.begin()?;
    let (leads, north) = create(&mut pipeline)?;
    pipeline.commit()?;

    let server = TcpListener::bind("127.0.0.1:0")?;
    let callback = format!("http://{}/reassigned", server.local_addr()?);
    let called_back = thread::spawn(move || answer(&server));

    let schema = pipeline.schema().clone();
    let entity = schema.entity_id("lead").and_then(|lead| schema.entity(lead)).ok_or("no leads")?;
    let reassign = |record: &Reference| {
        let values = Row::of(entity, [("territory", Value::Reference(north))])?;
        Ok(Operation::Update { record: *record, values })
    };
    let operations = leads.iter().map(reassign).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let how = Background { callback: Some(callback.into()), chunk: 100, ..Background::default() };
    let job = pipeline.run_in_background(operations, how)?;
    println!("handed in: {} at {}", job.id, pipeline.location(job.id));

    // What `weir work --once` does.
    let settings = |compiled: &Compiled| compiled.config.apply(Settings::system()).allowing(Permission::default());
    let told = |news: News<'_>| match news {
        News::Left(job) => println!("{}: {}", job.name, job.status.label()),
        other => println!("{other:?}"),
    };
    let (stop, lease) = (AtomicBool::new(false), SignedDuration::from_secs(15));
    let work = Work { url: &url, concurrency: 1, lease, once: true, settings: &settings, stop: &stop, told: &told };
    work.run().map_err(|error| format!("{error:?}"))?;

    let told = called_back.join().map_err(|_| "the server failed")??;
    println!("called back: {told}");
    let job = pipeline.job(job.id).map_err(|fault| fault.message)?.ok_or("no job")?;
    assert_eq!(job.batch.map(|batch| batch.committed), Some(LEADS.into()));
    Ok(())
}

/// Leads of the south, and the territory in the north.
fn create(pipeline: &mut Pipeline) -> Result<(Vec<Reference>, Reference), Box<dyn Error>> {
    let schema = pipeline.schema().clone();
    let mut new = |name: &str, values: &[(&str, Value)]| -> Result<Reference, Box<dyn Error>> {
        let entity = schema.entity_id(name).ok_or("no such entity")?;
        let values = Row::of(schema.entity(entity).ok_or("no such entity")?, values.iter().cloned())?;
        pipeline.execute(Operation::Create { entity, values }, None).record.ok_or_else(|| "it wasn't created".into())
    };
    let north = new("territory", &[("name", "North".into()), ("manager", "Nora".into())])?;
    let south = new("territory", &[("name", "South".into()), ("manager", "Sam".into())])?;
    let lead = |number: u32| {
        let name = format!("Lead {number}");
        new("lead", &[("name", name.as_str().into()), ("territory", Value::Reference(south))])
    };
    Ok(((0..LEADS).map(lead).collect::<Result<_, _>>()?, north))
}

/// Takes in one request and answers it; gives what was posted.
fn answer(server: &TcpListener) -> std::io::Result<String> {
    let (mut stream, _) = server.accept()?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut length, mut body) = (String::new(), 0, String::new());
    while reader.read_line(&mut line)? > 2 {
        if let Some(number) = line.to_lowercase().strip_prefix("content-length:") {
            length = number.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    reader.take(length).read_to_string(&mut body)?;
    stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")?;
    Ok(body)
}
