//! The last section of `docs/query.md`: the views and their columns. `UPDATE_DOCS=1 cargo test --test it docs` writes it.

use super::{keep, read};
use crate::rig::{folder, store};

#[test]
fn the_views_are_those_of_the_program() {
    const HEADING: &str = "\n## Views\n";
    let data = folder();
    let text = read("docs/query.md");
    let (before, _) = text.split_once(HEADING).expect("the section exists");
    let mut made = format!("{before}{HEADING}");
    for view in store(data.path()).views().expect("described") {
        made += &format!(
            "\n### `{}`\n\n{} By month of `{}`.\n\n| column | type | unit | meaning |\n|---|---|---|---|\n",
            view.name, view.about, view.time
        );
        for column in view.columns {
            made += &format!(
                "| `{}` | {} | {} | {} |\n",
                column.name, column.r#type, column.unit, column.meaning
            );
        }
    }
    keep("docs/query.md", &made);
}
