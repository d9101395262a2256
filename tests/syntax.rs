//! placeholder
use weir::source::Sources;
#[test]
fn one() {
    for path in std::fs::read_dir("tests/cases/syntax").unwrap() {
        let path = path.unwrap().path();
        if path.extension().is_none_or(|e| e != "flow") {
            continue;
        }
        let mut s = Sources::default();
        let f = s.add("x", std::fs::read_to_string(&path).unwrap());
        let (file, problems) = weir::syntax::parse(&s, f);
        println!("{path:?} {} items", file.items.len());
        for p in &problems {
            let at = s.position(p.span().unwrap());
            println!("{}:{} {} {} {:?}", at.line, at.column, p.code.name(), p.message, p.help);
        }
    }
}
