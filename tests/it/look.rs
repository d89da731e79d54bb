//! Computed checks of the style sheet: contrast, colours that colour-blind readers can distinguish, sizes.

use std::collections::BTreeMap;

const STYLE: &str = include_str!("../../templates/assets/hitrate.css");
/// The script that applies the reader's choice of colours.
const THEME: &str = include_str!("../../templates/assets/theme.js");

/// Budget for all scripts together, as they are in the repository; the style sheet has one of its own.
const SCRIPT_BUDGET: usize = 24 * 1024;
const STYLE_BUDGET: usize = 48 * 1024;

type Rgb = [f64; 3];
type Palette = BTreeMap<String, Rgb>;

/// A colour written as `#rrggbb` or `#rgb` at the start of a text; `None` if there is none.
fn hex(text: &str) -> Option<Rgb> {
    let digits: String =
        text.trim_start().strip_prefix('#')?.chars().take_while(char::is_ascii_hexdigit).collect();
    let digits = match digits.len() {
        3 => digits.chars().flat_map(|c| [c, c]).collect(),
        _ => digits,
    };
    let part = |at: usize| {
        f64::from(u8::from_str_radix(&digits[at..at + 2], 16).expect("two hexadecimal digits")) / 255.0
    };
    Some([part(0), part(2), part(4)])
}

/// The colours defined in a piece of style as `--name: light-dark(LIGHT, DARK)`, or as one colour for both schemes:
/// the light ones and the dark ones.
fn colours(text: &str) -> [Palette; 2] {
    let [mut light, mut dark] = [Palette::new(), Palette::new()];
    for piece in text.split("--").skip(1) {
        let Some((name, value)) = piece.split_once(':') else { continue };
        let value = value.trim_start();
        let (first, second) = match value.strip_prefix("light-dark(").and_then(|both| both.split_once(',')) {
            Some((first, second)) => (hex(first), hex(second)),
            None => (hex(value), hex(value)),
        };
        let (Some(first), Some(second)) = (first, second) else { continue };
        light.insert(name.trim().to_owned(), first);
        dark.insert(name.trim().to_owned(), second);
    }
    [light, dark]
}

/// The light and the dark palette.
fn palettes() -> [(&'static str, Palette); 2] {
    let (_, rest) = STYLE.split_once(":root {").expect("a palette");
    let (root, _) = rest.split_once('}').expect("its end");
    let [light, dark] = colours(root);
    [("light", light), ("dark", dark)]
}

/// Linear light of an sRGB channel.
fn linear(channel: f64) -> f64 {
    if channel <= 0.040_45 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
}

/// Relative luminance and contrast ratio as WCAG 2.1 defines them.
fn luminance(colour: Rgb) -> f64 {
    let [r, g, b] = colour.map(linear);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn times(matrix: [[f64; 3]; 3], v: Rgb) -> Rgb {
    matrix.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

/// Oklab (Ottosson 2020) of linear light, a space in which distances are nearly uniform to the eye.
fn oklab(light: Rgb) -> Rgb {
    let lms = times(
        [
            [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
            [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
            [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
        ],
        light,
    );
    times(
        [
            [0.210_454_255_3, 0.793_617_785, -0.004_072_046_8],
            [1.977_998_495_1, -2.428_592_205, 0.450_593_709_9],
            [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766],
        ],
        lms.map(f64::cbrt),
    )
}

/// Linear light as seen with red, green or blue cones missing (Machado, Oliveira and Fernandes 2009, severity 1).
const BLINDNESS: [(&str, [[f64; 3]; 3]); 3] = [
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

const TIERS: [&str; 6] = ["S", "A", "B", "C", "D", "F"];

/// A brace too few puts all following rules into the block before them.
#[test]
fn a_comment_at_the_start_of_a_line_is_outside_of_blocks() {
    let mut depth = 0_i32;
    let mut rest = STYLE;
    while let Some(at) = rest.find(['{', '}', '/', '"']) {
        let (found, after) = (&rest[at..=at], &rest[at + 1..]);
        rest = match found {
            "{" => {
                depth += 1;
                after
            }
            "}" => {
                depth -= 1;
                after
            }
            "\"" => after.split_once('"').map_or("", |(_, rest)| rest),
            _ if after.starts_with('*') => {
                let (comment, rest) = after.split_once("*/").expect("a comment ends");
                let starts_a_line = STYLE[..STYLE.len() - after.len() - 1].ends_with('\n');
                assert!(depth == 0 || !starts_a_line, "inside of a block:{comment}");
                rest
            }
            _ => after,
        };
        assert!(depth >= 0, "a brace too many before: {}", &rest[..rest.len().min(80)]);
    }
    assert_eq!(depth, 0, "a block is not closed");
}

#[test]
fn every_text_colour_has_enough_contrast_on_what_it_stands_on() {
    for (scheme, palette) in palettes() {
        let mut pairs: Vec<(&str, &str)> = vec![("warn", "warn-tint"), ("stale", "stale-tint")];
        for text in ["ink", "soft", "accent", "good", "stale", "warn"] {
            pairs.extend(["page", "card", "tint"].map(|ground| (text, ground)));
        }
        for tier in TIERS {
            pairs.extend([(tier, "card"), (tier, "page"), (tier, "tint"), ("on-tier", tier)]);
        }
        for line in ["c1", "c2", "c3", "c4", "c5", "c6"] {
            pairs.extend([(line, "card"), (line, "page")]);
        }
        for (text, ground) in pairs {
            let ratio = contrast(palette[text], palette[ground]);
            assert!(
                ratio >= 4.5,
                "{scheme}: the contrast of {text} on {ground} is {ratio:.2}, required is 4.5"
            );
        }
    }
}

#[test]
fn neighbouring_tiers_differ_also_for_colour_blind_readers() {
    let distance = |a: Rgb, b: Rgb| {
        let (a, b) = (oklab(a), oklab(b));
        (0..3).map(|n| (a[n] - b[n]).powi(2)).sum::<f64>().sqrt()
    };
    for (scheme, palette) in palettes() {
        for pair in TIERS.windows(2) {
            for (kind, matrix) in BLINDNESS {
                let seen = |name: &str| times(matrix, palette[name].map(linear)).map(|v| v.clamp(0.0, 1.0));
                let apart = distance(seen(pair[0]), seen(pair[1]));
                assert!(apart >= 0.05, "{scheme}, {kind}: {} and {} are {apart:.3} apart", pair[0], pair[1]);
            }
        }
    }
}

#[test]
fn steps_of_the_heat_map_differ_by_lightness_also_for_colour_blind_readers() {
    for (scheme, palette) in palettes() {
        let steps: Vec<Rgb> = (0..10).map(|n| palette[format!("h{n}").as_str()].map(linear)).collect();
        for (kind, matrix) in BLINDNESS {
            let seen: Vec<Rgb> =
                steps.iter().map(|light| oklab(times(matrix, *light).map(|v| v.clamp(0.0, 1.0)))).collect();
            for (n, pair) in seen.windows(2).enumerate() {
                let lighter =
                    if scheme == "light" { pair[0][0] - pair[1][0] } else { pair[1][0] - pair[0][0] };
                assert!(lighter >= 0.03, "{scheme}, {kind}: steps {n} and {} differ by {lighter:.3}", n + 1);
            }
        }
    }
}

#[test]
fn style_and_scripts_stay_within_their_budgets() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/assets");
    let files = std::fs::read_dir(folder).expect("the assets").map(|entry| entry.expect("a file").path());
    let scripts: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|ending| ending == "js")).collect();
    let size = |path: &std::path::PathBuf| std::fs::metadata(path).expect("its size").len() as usize;
    let total: usize = scripts.iter().map(size).sum();
    assert!(scripts.len() >= 3 && total > 0, "{scripts:?}");
    assert!(total <= SCRIPT_BUDGET, "the scripts have {total} bytes, the budget is {SCRIPT_BUDGET}");
    assert!(
        STYLE.len() <= STYLE_BUDGET,
        "the style sheet has {} bytes, the budget is {STYLE_BUDGET}",
        STYLE.len()
    );
    assert!(
        !STYLE.contains("@import") && !STYLE.contains("@font-face") && !STYLE.contains("url("),
        "the style sheet must not load other files"
    );
}

#[test]
fn the_reader_can_override_the_colours_of_the_system() {
    // Colours that follow the media query instead of `light-dark` would ignore the switch.
    assert!(!STYLE.contains("prefers-color-scheme"), "use light-dark() for colours");
    for (scheme, palette) in palettes() {
        assert!(palette.len() > 30, "{scheme}: {} colours", palette.len());
        assert!(STYLE.contains(&format!("[data-theme={scheme}] {{ color-scheme: {scheme} }}")), "{scheme}");
        assert!(THEME.contains(&format!("{scheme}: \"")), "the switch offers {scheme}");
    }
    assert!(THEME.contains("auto: \"Auto\"") && THEME.contains("localStorage"), "and the system's choice");
    assert_ne!(palettes()[0].1["page"], palettes()[1].1["page"]);
}

#[test]
fn print_is_black_on_white_without_navigation() {
    let (_, print) = STYLE.split_once("@media print {").expect("a style for print");
    for rule in ["color-scheme: light", ".top nav", "details::details-content", "--page: #fff"] {
        assert!(print.contains(rule), "{rule}");
    }
}

#[test]
fn the_contrast_is_computed_as_the_standard_does() {
    assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9);
    let grey = colours("--g: #777;")[0]["g"];
    assert!((contrast(grey, [1.0; 3]) - 4.478).abs() < 0.01);
}
