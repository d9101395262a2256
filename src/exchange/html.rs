//! Pages of HTML that are looked at without a server: one file, which asks for no other, in light and in dark.
//! Whatever comes from a project goes through [`escaped`].

/// The colours and the text of every page. A page's own rules come behind and name these colours.
const STYLE: &str = include_str!("page.css");

/// What says of a page, near its beginning, that it was written here.
pub const GENERATOR: &str = "<meta name=\"generator\" content=\"weir\">";

/// A whole page. `title` is text; `style` and `body` are taken as they are.
pub fn document(title: &str, style: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n{GENERATOR}\n\
        <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
        <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}{style}</style>\n</head>\n\
        <body>\n{body}</body>\n</html>\n",
        escaped(title)
    )
}

/// Text as a page holds it, between tags and in quotes.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A text of paragraphs, such as a `///` comment: an empty line divides them, what stands in backticks is code, and a paragraph of
/// lines that all stand further right keeps its lines as they are.
pub fn paragraphs(text: &str) -> String {
    let mut paragraphs: Vec<Vec<&str>> = vec![Vec::new()];
    for line in text.lines() {
        match paragraphs.last_mut() {
            Some(last) if !line.trim().is_empty() => last.push(line),
            _ => paragraphs.push(Vec::new()),
        }
    }
    let written = paragraphs.iter().filter(|lines| !lines.is_empty());
    written.map(|lines| paragraph(lines)).collect()
}

fn paragraph(lines: &[&str]) -> String {
    if lines.iter().all(|line| line.starts_with("  ")) {
        return format!("<pre>{}</pre>\n", escaped(&lines.join("\n")));
    }
    let words: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    format!("<p>{}</p>\n", with_code(&words.join(" ")))
}

/// Text in which what stands in backticks is code; a backtick without a second one is itself.
pub fn with_code(text: &str) -> String {
    let mut written = String::new();
    let mut rest = text;
    while let Some((before, (code, after))) = rest.split_once('`').and_then(|(before, behind)| Some((before, behind.split_once('`')?))) {
        written.push_str(&format!("{}<code>{}</code>", escaped(before), escaped(code)));
        rest = after;
    }
    written + &escaped(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_a_tag() {
        assert_eq!(escaped("<a href=\"x\" id='y'>&"), "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;");
        assert_eq!(paragraphs("One\ntwo `a < b`.\n\nThree ` four"), "<p>One two <code>a &lt; b</code>.</p>\n<p>Three ` four</p>\n");
        assert_eq!(paragraphs("  a  <b\n  c"), "<pre>  a  &lt;b\n  c</pre>\n");
        assert!(document("</title><script>", "", "").contains("<title>&lt;/title&gt;&lt;script&gt;</title>"));
    }
}
