//! Pictures for link previews: a PNG drawn here, glyph by glyph, with two fonts that are compiled in.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use std::io::Write;

/// Width of a card in pixels, the size that previews expect.
pub const WIDTH: usize = 1200;
/// Height of a card in pixels.
pub const HEIGHT: usize = 630;

const REGULAR: &[u8] = include_bytes!("../../../data/font/inter-400.ttf");
const BOLD: &[u8] = include_bytes!("../../../data/font/inter-700.ttf");

/// Red, green, blue.
pub type Colour = [u8; 3];

/// The font weights that a card draws with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Regular,
    Bold,
}

pub struct Card {
    pixels: Vec<u8>,
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

impl Card {
    /// An empty card in one colour; `None` if the compiled-in fonts cannot be read.
    pub fn new(ground: Colour) -> Option<Self> {
        Some(Self {
            pixels: ground.repeat(WIDTH * HEIGHT),
            regular: FontRef::try_from_slice(REGULAR).ok()?,
            bold: FontRef::try_from_slice(BOLD).ok()?,
        })
    }

    fn blend(&mut self, x: usize, y: usize, colour: Colour, cover: f32) {
        if x >= WIDTH || y >= HEIGHT {
            return;
        }
        let at = (y * WIDTH + x) * 3;
        let cover = cover.clamp(0.0, 1.0);
        for (pixel, wanted) in self.pixels[at..at + 3].iter_mut().zip(colour) {
            *pixel = (f32::from(*pixel) * (1.0 - cover) + f32::from(wanted) * cover).round() as u8;
        }
    }

    /// Fills a rectangle, clipped to the card.
    pub fn fill(&mut self, (left, top): (usize, usize), (width, height): (usize, usize), colour: Colour) {
        let (from, to) = (left.min(WIDTH), (left + width).min(WIDTH));
        for y in top..(top + height).min(HEIGHT) {
            let row = y * WIDTH;
            self.pixels[(row + from) * 3..(row + to) * 3].copy_from_slice(&colour.repeat(to - from));
        }
    }

    fn font(&self, weight: Weight) -> &FontRef<'static> {
        if weight == Weight::Bold { &self.bold } else { &self.regular }
    }

    /// The width of a text in pixels at a font size in pixels.
    pub fn width(&self, text: &str, weight: Weight, size: f32) -> f32 {
        let font = self.font(weight).as_scaled(PxScale::from(size));
        let (mut width, mut before) = (0.0, None);
        for c in text.chars() {
            let glyph = font.glyph_id(drawable(font.font, c));
            width += before.map_or(0.0, |before| font.kern(before, glyph)) + font.h_advance(glyph);
            before = Some(glyph);
        }
        width
    }

    /// Writes a text with its baseline at `y`; if it is wider than `room`, it is truncated with an ellipsis.
    pub fn write(&mut self, text: &str, (x, y): (f32, f32), style: (Weight, f32, Colour), room: f32) {
        let (weight, size, colour) = style;
        let mut text = text.to_owned();
        if self.width(&text, weight, size) > room {
            while !text.is_empty() && self.width(&format!("{text}…"), weight, size) > room {
                text.pop();
            }
            text = format!("{}…", text.trim_end());
        }
        let font = self.font(weight).clone();
        let scaled = font.as_scaled(PxScale::from(size));
        let (mut at, mut before) = (x, None);
        for c in text.chars() {
            let id = scaled.glyph_id(drawable(&font, c));
            at += before.map_or(0.0, |before| scaled.kern(before, id));
            let glyph = id.with_scale_and_position(size, point(at, y));
            if let Some(outline) = font.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                let (left, top) = (bounds.min.x as i64, bounds.min.y as i64);
                outline.draw(|dx, dy, cover| {
                    let place = (usize::try_from(left + i64::from(dx)), usize::try_from(top + i64::from(dy)));
                    if let (Ok(x), Ok(y)) = place {
                        self.blend(x, y, colour, cover);
                    }
                });
            }
            at += scaled.h_advance(id);
            before = Some(id);
        }
    }

    pub fn png(&self) -> Vec<u8> {
        png(&self.pixels)
    }
}

/// The fonts have Latin letters only; missing glyphs are shown as a middle dot instead of an empty box.
fn drawable(font: &FontRef, c: char) -> char {
    let c = if c == '\u{202f}' || c.is_control() { ' ' } else { c };
    if font.glyph_id(c).0 == 0 { '·' } else { c }
}

/// Encodes rows of red, green and blue as a PNG (ISO/IEC 15948): 8 bits per channel, not interlaced. Every row is
/// stored as its difference from the row above, which compresses flat drawings well.
fn png(pixels: &[u8]) -> Vec<u8> {
    let stride = WIDTH * 3;
    let mut rows = Vec::with_capacity(pixels.len() + HEIGHT);
    for (index, row) in pixels.chunks_exact(stride).enumerate() {
        rows.push(2);
        match index.checked_sub(1) {
            Some(above) => {
                let above = &pixels[above * stride..(above + 1) * stride];
                if row == above {
                    // Most rows are equal to the one above.
                    rows.resize(rows.len() + stride, 0);
                    continue;
                }
                rows.extend(row.iter().zip(above).map(|(here, above)| here.wrapping_sub(*above)));
            }
            None => rows.extend(row),
        }
    }
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
    // Writing to memory cannot fail; if it did, the file would be truncated and its reader would report that.
    let packed = packed.write_all(&rows).and_then(|()| packed.finish()).unwrap_or_default();
    let mut header = Vec::new();
    header.extend(u32::try_from(WIDTH).unwrap_or_default().to_be_bytes());
    header.extend(u32::try_from(HEIGHT).unwrap_or_default().to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, body) in [(b"IHDR", &header), (b"IDAT", &packed), (b"IEND", &Vec::new())] {
        chunk(&mut file, kind, body);
    }
    file
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    file.extend(u32::try_from(body.len()).unwrap_or_default().to_be_bytes());
    let mut sum = flate2::Crc::new();
    sum.update(kind);
    sum.update(body);
    file.extend(kind);
    file.extend(body);
    file.extend(sum.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_drawn_within_its_room() {
        let mut card = Card::new([255; 3]).expect("the fonts are read");
        card.write(&"W".repeat(300), (10.0, 100.0), (Weight::Bold, 60.0, [0; 3]), 400.0);
        let dark = |x: usize| (0..HEIGHT).any(|y| card.pixels[(y * WIDTH + x) * 3] < 100);
        assert!((10..400).any(dark), "something is written");
        assert!(!(415..WIDTH).any(dark), "nothing is drawn beyond the room");
        card.write("\u{202e}\u{0645}", (5.0, 5.0), (Weight::Regular, 40.0, [0; 3]), 100.0);
    }

    #[test]
    fn the_file_is_a_png_of_its_size() {
        let card = Card::new([1, 2, 3]).expect("the fonts are read");
        let file = card.png();
        assert_eq!(&file[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!(file[16..24], [0, 0, 4, 176, 0, 0, 2, 118]);
        assert!(
            file.ends_with(&[0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82]),
            "the known checksum of an empty IEND chunk"
        );
        let mut rows = Vec::new();
        let at = file.windows(4).position(|w| w == b"IDAT").expect("data");
        let length = u32::from_be_bytes(file[at - 4..at].try_into().expect("four bytes")) as usize;
        let mut unpack = flate2::write::ZlibDecoder::new(&mut rows);
        unpack
            .write_all(&file[at + 4..at + 4 + length])
            .and_then(|()| unpack.finish().map(drop))
            .expect("it unpacks");
        assert_eq!(rows.len(), (WIDTH * 3 + 1) * HEIGHT);
        assert_eq!(rows[..4], [2, 1, 2, 3]);
    }
}
