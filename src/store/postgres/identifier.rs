//! Names as PostgreSQL has them: quoted, and no longer than it keeps. What is longer keeps its beginning and ends with a digest, for
//! PostgreSQL would cut it without a word, and two names might become one.

use sha2::{Digest, Sha256};

use crate::store::StoreError;

/// How many bytes of a name PostgreSQL keeps.
pub(super) const MOST: usize = 63;

/// How many of them stay of one that is longer.
const KEPT: usize = 46;

/// A name of the schema with an ending that no name of the schema can have, as it stands in the catalogue.
pub(super) fn name(name: &str, ending: &str) -> Result<String, StoreError> {
    let fine = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !fine {
        return Err(StoreError::Unusable(format!("{} can't be the name of a table or column", crate::value::text::quoted(name))));
    }
    Ok(short(format!("{name}{ending}")))
}

/// The same, quoted for SQL.
pub(super) fn identifier(name: &str, ending: &str) -> Result<String, StoreError> {
    self::name(name, ending).map(|name| quoted(&name))
}

/// A name of ours, no longer than PostgreSQL keeps.
pub(super) fn short(name: String) -> String {
    if name.len() <= MOST {
        return name;
    }
    let digest: String = Sha256::digest(&name).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{}${digest}", name.get(..KEPT).unwrap_or_default())
}

/// Quoted for SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_stay_apart() {
        let long = |last: char| name(&format!("{}{last}", "a".repeat(80)), "$entity").unwrap();
        assert!(long('x') != long('y') && long('x').len() == MOST);
        assert_eq!(identifier("account", "$entity").unwrap(), "\"account$entity\"");
        assert!(name("a\"b", "").is_err() && name("", "").is_err());
    }
}
