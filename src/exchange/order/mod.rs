//! An order for who reads it: text for a terminal (`text.rs`), a Mermaid flowchart (`mermaid.rs`) and an SVG picture (`svg.rs`).
//! What is said in all of them is said in one way (`words.rs`), and what leads where in the pictures is found once (`links.rs`).
//! Its JSON is the order itself, which serialises.

mod draw;
mod links;
mod mermaid;
mod svg;
mod text;
mod words;

pub use mermaid::order_mermaid;
pub use svg::order_svg;
pub use text::order_text;
pub use words::verb;
