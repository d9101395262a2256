//! Whom an encrypted connection is to be made with: the certificates of a project's own authority, read when they are needed, and in
//! words why the other side's certificate isn't trusted. It is verified in any case; nothing here can turn that off.

use std::error::Error;
use std::io;
use std::path::Path;

use rustls::CertificateError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::project::files::read_file;
use crate::value::text::quoted;

/// The certificates of a file (PEM), of which there is at least one; else why there is none.
pub(super) fn authorities(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let refused = |why: String| Err(format!("the certificates of `ca` in weir.toml can't be read: {why}"));
    let bytes = match read_file(Path::new(path)) {
        Ok(bytes) => bytes,
        Err(error) => return refused(error.to_string()),
    };
    match CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>() {
        Ok(found) if found.is_empty() => refused(format!("{} holds none", quoted(path))),
        Ok(found) => Ok(found),
        Err(error) => refused(format!("{}: {error}", quoted(path))),
    }
}

/// Why the certificate of the other side isn't trusted, where an error is about that.
pub(super) fn distrust(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
            return Some(format!("its certificate isn't trusted: {}", in_words(why)));
        }
        next = match error.downcast_ref::<io::Error>() {
            Some(error) => error.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

fn in_words(why: &CertificateError) -> String {
    use CertificateError::*;
    match why {
        UnknownIssuer => "no authority that is known here has signed it (`ca` in weir.toml names a file of your own ones)".to_owned(),
        Expired | ExpiredContext { .. } => "it has expired".to_owned(),
        NotValidYet | NotValidYetContext { .. } => "it isn't valid yet".to_owned(),
        NotValidForName | NotValidForNameContext { .. } => "it is that of another host".to_owned(),
        other => other.to_string(),
    }
}
