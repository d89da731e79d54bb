//! Invented names. None of them is the name of a company or a model; any resemblance is coincidental.

use std::sync::LazyLock;

/// Display names of providers; the base slugs are derived from them.
const PROVIDERS: [&str; 44] = [
    "Quillcloud",
    "Brackenhost",
    "Nimbus Forge",
    "Tallow Compute",
    "Oxbow AI",
    "Fennel Systems",
    "Gantry Nine",
    "Marmalade GPU",
    "Pinwheel Inference",
    "Cobblestone",
    "Lanternfish",
    "Umber Works",
    "Dovetail Cloud",
    "Sprocketry",
    "Halyard AI",
    "Kettlebrook",
    "Thistledown",
    "Bellows Compute",
    "Juniper Stack Co",
    "Wickerbasket",
    "Ostrich Labs",
    "Peatland",
    "Rookery",
    "Saltbox AI",
    "Trundle",
    "Verdigris",
    "Yarrow Hosting",
    "Zeppelin Bay",
    "Acorn Relay",
    "Buttercup Silicon",
    "Clapboard",
    "Drumlin",
    "Eiderdown",
    "Flagstone GPU",
    "Gooseberry",
    "Hollyhock",
    "Inkwell Serve",
    "Jetsam",
    "Knapsack AI",
    "Larkspur Tensor",
    "Mudlark",
    "Nutmeg Compute",
    "Osprey Barn",
    "Pumpernickel",
];

const AUTHORS: [(&str, &str); 12] = [
    ("pelagic-lab", "Pelagic Lab"),
    ("tanagerworks", "TanagerWorks"),
    ("orrery-ai", "Orrery AI"),
    ("mossgrove", "Mossgrove"),
    ("vesperine", "Vesperine"),
    ("candlewick", "Candlewick"),
    ("hollow-hill", "Hollow Hill"),
    ("bluff-and-bay", "Bluff & Bay"),
    ("saltmarsh", "Saltmarsh"),
    ("quincunx", "Quincunx"),
    ("larchmind", "Larchmind"),
    ("tin-whistle", "Tin Whistle"),
];

const FAMILIES: [&str; 25] = [
    "Bittern",
    "Curlew",
    "Dotterel",
    "Egret",
    "Fulmar",
    "Gadwall",
    "Hoopoe",
    "Ibisbill",
    "Jacana",
    "Knot",
    "Lapwing",
    "Merlin Oak",
    "Nightjar",
    "Ouzel",
    "Plover",
    "Quelea",
    "Redshank",
    "Siskin",
    "Turnstone",
    "Umbrette",
    "Veery",
    "Wagtail",
    "Xenops",
    "Yaffle",
    "Zitting",
];

const SIZES: [&str; 6] = ["Mini", "Flash", "Pro", "32B", "120B A6B", "Coder"];

/// Texts that a page must handle safely. If a script among them ever runs, it marks the window, and the browser checks
/// detect the mark.
static HOSTILE: LazyLock<[String; 7]> = LazyLock::new(|| {
    [
        "<script>window.__marked=true</script><img src=x onerror=\"window.__marked=true\"> & </title>".to_owned(),
        "\"'><svg onload='window.__marked=true'>`${x}`\\ {{ x }} \" autofocus onfocus=window.__marked=true x=\"".to_owned(),
        "\u{202e}gnp.exe\u{2067} \u{645}\u{632}\u{648}\u{62f}".to_owned(),
        "W".repeat(300),
        "\u{1f9ea}\u{1f469}\u{200d}\u{1f52c} o\u{301}\u{323}\u{336}\u{489} \u{fdfd}".to_owned(),
        "\u{200b}zero\u{2060}\u{feff}width\u{ad}\u{1}\u{7f}\u{85}two\nlines\ttab\u{2028}\u{fffe}".to_owned(),
        "=HYPERLINK(\"http://x.example\",\"y\")\r\nSet-Cookie: a=b".to_owned(),
    ]
});

/// The hostile text at an index, if there is one.
pub(super) fn hostile(index: usize) -> Option<&'static str> {
    HOSTILE.get(index).map(String::as_str)
}

/// The display name of the provider at `index`: `Nimbus Forge`; unique for every index.
pub(super) fn provider(index: usize) -> String {
    let base = PROVIDERS[index % PROVIDERS.len()];
    match index / PROVIDERS.len() {
        0 => base.to_owned(),
        lap => format!("{base} Nr {}", lap + 1),
    }
}

/// The id and the display name of the model at `index`: `mossgrove/curlew-1-mini` and `Mossgrove: Curlew 1 Mini`; unique
/// for every index.
pub(super) fn model(index: usize) -> (String, String) {
    let (author, author_name) = AUTHORS[index % AUTHORS.len()];
    let turn = index / AUTHORS.len();
    let family = FAMILIES[(turn + 5 * (index % AUTHORS.len())) % FAMILIES.len()];
    let version = 1 + turn / FAMILIES.len();
    let name = format!("{family} {version} {}", SIZES[(index + turn) % SIZES.len()]);
    (format!("{author}/{}", slug(&name)), format!("{author_name}: {name}"))
}

/// The slug of a name: `nimbus-forge`.
pub(super) fn slug(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}
