//! How code outside is named: the address of a webhook, read more strictly than others do, so that nobody who calls it can see
//! another host in it; and the line of a command, which no shell ever sees.

use thiserror::Error;

/// The longest address.
const LONGEST: usize = 2_000;

/// An address that can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebAddress<'a> {
    /// The name or number of the host, as it is written.
    pub host: &'a str,
    /// The port, where one is written.
    pub port: Option<u16>,
}

/// Why an address can't be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WrongAddress {
    /// It doesn't begin with `https://`.
    #[error("the address doesn't begin with `https://`")]
    Scheme,
    /// It goes over the network without encryption.
    #[error("a webhook elsewhere can't be called without encryption")]
    Plain,
    /// It names no host.
    #[error("the address names no host")]
    Host,
    /// It holds a name or password.
    #[error("the address has a name or password in it")]
    Credentials,
    /// It holds a sign that an address can't have, or is too long.
    #[error("the address has a sign in it that an address can't have, or is too long")]
    Sign,
}

impl<'a> WebAddress<'a> {
    /// Reads an address.
    pub fn parse(text: &'a str) -> Result<Self, WrongAddress> {
        if text.len() > LONGEST || text.chars().any(|sign| !sign.is_ascii_graphic() || "\\\"<>^`{|}".contains(sign)) {
            return Err(WrongAddress::Sign);
        }
        let (plain, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(WrongAddress::Scheme),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
        if authority.contains('@') {
            return Err(WrongAddress::Credentials);
        }
        let address = split(authority).ok_or(WrongAddress::Host)?;
        if plain && !matches!(address.host, "localhost" | "127.0.0.1" | "[::1]") {
            return Err(WrongAddress::Plain);
        }
        Ok(address)
    }

    /// Whether a text is a host, with or without a port.
    pub fn is_permission(text: &str) -> bool {
        split(text).is_some()
    }

    /// Whether an operator's permission, a host with or without a port, is about this address.
    pub fn is_meant_by(&self, permission: &str) -> bool {
        split(permission)
            .is_some_and(|meant| meant.host.eq_ignore_ascii_case(self.host) && meant.port.is_none_or(|port| self.port == Some(port)))
    }
}

/// A host with or without a port.
fn split(authority: &str) -> Option<WebAddress<'_>> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let numbered = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match numbered {
        Some(number) => number.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '.' || sign == '-'),
    };
    let port = port.map(|port| port.parse::<u16>().ok().filter(|_| port.chars().all(|sign| sign.is_ascii_digit())));
    match (is_host, port) {
        (true, None) => Some(WebAddress { host, port: None }),
        (true, Some(Some(port))) => Some(WebAddress { host, port: Some(port) }),
        _ => None,
    }
}

/// The program and the arguments of a command line: words between blanks; quotes of either kind keep blanks together. None where
/// there is no program, or a quote is left open.
pub fn command_words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut open) = (Vec::new(), None::<String>, None);
    for sign in line.chars() {
        match open {
            Some(quote) if sign == quote => open = None,
            None if sign == '"' || sign == '\'' => {
                open = Some(sign);
                word.get_or_insert_default();
            }
            None if sign.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(sign),
        }
    }
    words.extend(word);
    (open.is_none() && words.first().is_some_and(|program| !program.is_empty())).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_host_or_none() {
        let host = |text| WebAddress::parse(text).map(|address| (address.host, address.port));
        assert_eq!(host("https://example.com/hook?a=b#c"), Ok(("example.com", None)));
        assert_eq!(host("https://example.com:8443"), Ok(("example.com", Some(8443))));
        assert_eq!(host("http://127.0.0.1:80/"), Ok(("127.0.0.1", Some(80))));
        assert_eq!(host("http://[::1]:80/"), Ok(("[::1]", Some(80))));
        assert_eq!(host("http://example.com/"), Err(WrongAddress::Plain));
        assert_eq!(host("ftp://example.com/"), Err(WrongAddress::Scheme));
        assert_eq!(host("https://good.com@evil.com/"), Err(WrongAddress::Credentials));
        for wrong in ["https://", "https:///x", "https://a:b", "https://a:+1", "https://a:99999", "https://[x]/", "https://ä"] {
            assert!(matches!(host(wrong), Err(WrongAddress::Host | WrongAddress::Sign)), "{wrong}");
        }
        assert_eq!(host("https://good.com\\@evil.com/"), Err(WrongAddress::Sign));
        assert_eq!(host("https://good.com /"), Err(WrongAddress::Sign));
    }

    #[test]
    fn a_permission_is_a_host_with_or_without_a_port() {
        let address = WebAddress::parse("https://Example.com:8443/x").unwrap();
        for (permission, meant) in
            [("example.com", true), ("example.com:8443", true), ("example.com:443", false), ("com", false), ("", false)]
        {
            assert_eq!(address.is_meant_by(permission), meant, "{permission}");
        }
    }

    #[test]
    fn a_command_is_words_between_blanks() {
        let words = |line| command_words(line);
        let expected = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(words("  score  --fast "), expected(&["score", "--fast"]));
        assert_eq!(words("'a b' c\"d e\" ''"), expected(&["a b", "cd e", ""]));
        assert_eq!(words("a; rm -rf $HOME | b"), expected(&["a;", "rm", "-rf", "$HOME", "|", "b"]));
        assert_eq!((words(""), words(" "), words("'a"), words("''")), (None, None, None, None));
    }
}
