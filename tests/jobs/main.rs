//! System jobs through the real command: workers on real SQLite files, killed, stopped and asked; what operators do with jobs; e-mails by a
//! real SMTP server.

#![cfg(test)]

mod activations;
mod background;
mod bad_days;
mod callback;
mod chunks;
mod damaged;
#[path = "../support/http.rs"]
mod http;
mod keep;
mod kill;
mod list;
mod listener;
mod log;
mod mail;
mod operator;
mod place;
mod plans;
mod refused;
mod retries;
mod serial;
mod shared;
#[path = "../support/smtp.rs"]
mod smtp;
#[path = "../support/stores.rs"]
mod stores;
#[path = "../support/tls.rs"]
mod tls;
mod trust;
mod worker;
