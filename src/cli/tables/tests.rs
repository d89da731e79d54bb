use super::*;

const COLUMNS: [Column; 5] =
    [tier("tier", 1), name("provider", 1), number("vs peers", 1), number("models", 2), text("since", 3)];

fn sample() -> Table {
    let mut table = Table::new(&COLUMNS, "tier\tprovider\nS\tDeepInfra\n".to_owned());
    table.row(["S", "DeepInfra", "-12.3 %", "70", "2026-08-03"]);
    table.row(["unrated", "A provider with a long name (Europe)", "-", "1", "2026-07-24"]);
    table
}

fn at(width: usize) -> Look {
    Look { width: Some(width), wide: false, colour: false, tsv: false }
}

fn drawn(table: &Table, look: &Look) -> Vec<String> {
    table.lines(look)
}

#[test]
fn a_table_fits_every_width() {
    for columns in [7, 10, 20, 40, 60, 80, 120] {
        for line in Report::default().table(sample()).render(&at(columns)).lines() {
            assert!(width(line) <= columns, "{columns}: {} in {line:?}", width(line));
        }
    }
    let lines = drawn(&sample(), &at(10));
    assert!(lines.iter().take(4).all(|line| width(line) <= 10), "{lines:?}");
}

#[test]
fn columns_go_by_priority_and_the_rest_of_the_room_goes_to_names() {
    assert_eq!(
        drawn(&sample(), &at(40)),
        [
            "tier     provider               vs peers",
            "───────  ─────────────────────  ────────",
            "S        DeepInfra               -12.3 %",
            "unrated  A provider wit…urope)         -",
            "Not shown: models; since (--wide shows all columns)",
        ]
    );
    let lines = drawn(&sample(), &at(60));
    assert!(lines[0].contains("since") && lines[0].contains("models") && lines[3].contains('…'), "{lines:?}");
    let lines = drawn(&sample(), &at(80));
    assert!(lines[3].contains("A provider with a long name (Europe)"), "{lines:?}");
    assert_eq!(lines.len(), 4, "nothing is hidden: {lines:?}");
    let narrow = Look { wide: true, ..at(40) };
    assert_eq!(drawn(&sample(), &narrow), lines, "--wide shows all at any width");
    assert_eq!(drawn(&sample(), &Look { width: None, ..at(0) }), lines);
}

#[test]
fn a_column_without_values_is_left_out_unless_all_are_requested() {
    let mut table = Table::new(&[text("tag", 1), number("uptime", 2), text("flags", 3)], None);
    table.row(["a", "-", ""]);
    table.row(["b", "-", "down"]);
    assert_eq!(drawn(&table, &at(80))[0], "tag  flags");
    assert_eq!(drawn(&table, &Look { wide: true, ..at(80) })[0], "tag  uptime  flags");
}

#[test]
fn names_are_measured_as_a_terminal_shows_them() {
    assert_eq!((width("模型"), width("e\u{301}"), width("")), (4, 1, 0));
    assert_eq!(shorten("模型模型模型", 7), "模型…型");
    assert_eq!(shorten("google-vertex/europe", 12), "google-v…ope");
    assert_eq!((shorten("abc", 1).as_str(), shorten("abc", 0).as_str()), ("…", ""));
    let mut table = Table::new(&[name("name", 1), number("n", 1)], None);
    table.row(["模型", "1"]);
    table.row(["ab", "10"]);
    assert_eq!(drawn(&table, &at(80))[2..], ["模型   1", "ab    10"]);
}

#[test]
fn hostile_names_stay_in_their_cell() {
    let hostile = "a\nb\tc\u{1b}[31m\u{202e}d\u{200b}";
    assert_eq!(clean(hostile), "a b c[31md");
    let mut table = Table::new(&[name("name", 1), number("n", 1)], None);
    table.row([hostile, "1"]);
    assert_eq!(drawn(&table, &at(80))[2], "a b c[31md  1");
    assert!(width(&clean(&"x".repeat(5000))) <= LONGEST_NAME);
}

#[test]
fn colour_changes_no_widths_and_is_off_without_a_terminal() {
    let colour = Look { colour: true, ..at(60) };
    let (plain, coloured) = (drawn(&sample(), &at(60)), drawn(&sample(), &colour));
    assert!(plain.iter().all(|line| !line.contains('\u{1b}')), "{plain:?}");
    assert!(coloured[0].contains("\u{1b}[1m") && coloured[2].contains("\u{1b}[1;32mS"), "{coloured:?}");
    let stripped = |line: &String| {
        let mut text = line.clone();
        while let Some(start) = text.find('\u{1b}') {
            let end = start + text[start..].find('m').expect("the end of a style") + 1;
            text.replace_range(start..end, "");
        }
        text.trim_end().to_owned()
    };
    assert_eq!(coloured.iter().map(stripped).collect::<Vec<_>>(), plain);
}

#[test]
fn a_pipe_receives_tables_alone_and_texts_if_there_is_no_table() {
    let tsv = Look { tsv: true, width: Some(20), ..at(0) };
    let report = || Report::default().text("heading").simulated(true).table(sample()).text("notes");
    assert_eq!(report().render(&tsv), "tier\tprovider\nS\tDeepInfra");
    assert_eq!(report().asides(&tsv).len(), 1, "the warning goes to standard error");
    let two = report().table(Table::new(&COLUMNS, "x\n1\n".to_owned())).table(Table::new(&COLUMNS, None));
    assert_eq!(two.render(&tsv), "tier\tprovider\nS\tDeepInfra\n\nx\n1");
    assert_eq!(Report::default().text("no table").render(&tsv), "no table");
    let text = report().render(&at(120));
    assert!(text.starts_with("heading\nSIMULATED DATA") && text.ends_with("\nnotes"), "{text}");
    assert!(report().asides(&at(120)).is_empty());
}

#[test]
fn sentences_are_broken_at_spaces() {
    assert_eq!(wrap("one two three\nfour", 8), "one two\nthree\nfour");
    assert_eq!(wrap("a-very-long-word b", 6), "a-ve…d\nb");
    assert_eq!(Report::default().text("\n\na").text("").render(&at(9)), "\na");
}
