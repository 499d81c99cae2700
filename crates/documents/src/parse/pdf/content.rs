//! What a page draws: the operators of ISO 32000 that place text, and no others. Pictures, paths and
//! colours are never looked at.

use std::sync::Arc;

use hayro_cmap::BfString;
use hayro_font::{
    CMapResolverFn, Font, FontCache, FontGlyph, FontQuery, FontResolverFn, UNITS_PER_EM,
    kurbo::{Affine, Point, Vec2},
};
use hayro_syntax::{
    content::{TypedIter, ops::TypedInstruction},
    object::{Array, Dict, Name, Object},
    page::{Page, Resources},
};

use crate::ParseError;

/// A character where it is drawn, in points of the page.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Glyph {
    pub(super) text: String,
    /// Where its origin is.
    pub(super) at: Point,
    /// Where the next one would begin.
    pub(super) end: Point,
    /// The height of the font, as it appears.
    pub(super) size: f64,
}

/// More on one page are not text that anybody reads.
const GLYPHS_MAX: usize = 200_000;
/// Over all pages; a page that calls the same form again and again draws no end of text.
const INSTRUCTIONS_MAX: u64 = 20_000_000;
/// Forms that show forms double with each level.
const FORMS_MAX: u64 = 200_000;
const FORMS_DEEP_MAX: u32 = 24;
const STATES_MAX: usize = 512;

pub(super) struct Pages<'a> {
    fonts: FontCache<'a>,
    font_programs: FontResolverFn,
    cmaps: CMapResolverFn,
    instructions: u64,
    forms: u64,
    /// How many characters could be told, and how many not.
    pub(super) known: u64,
    pub(super) unknown: u64,
}

impl<'a> Pages<'a> {
    pub(super) fn new() -> Self {
        Self {
            fonts: FontCache::new(),
            font_programs: Arc::new(|query| match query {
                FontQuery::Standard(font) => Some(font.get_font_data()),
                FontQuery::Fallback(font) => Some(font.pick_standard_font().get_font_data()),
            }),
            cmaps: Arc::new(hayro_cmap::load_embedded),
            instructions: 0,
            forms: 0,
            known: 0,
            unknown: 0,
        }
    }

    pub(super) fn read(&mut self, page: &Page<'a>) -> Result<Vec<Glyph>, ParseError> {
        let transform = Affine::new(page.initial_transform(true).as_coeffs());
        let mut canvas = Canvas { pages: self, glyphs: Vec::new(), forms: 0 };
        canvas.draw(page.typed_operations(), page.resources(), &State::new(transform))?;
        Ok(canvas.glyphs)
    }
}

#[derive(Clone)]
struct State<'a> {
    page: Affine,
    text: Affine,
    line: Affine,
    font: Option<Font<'a>>,
    size: f64,
    char_space: f64,
    word_space: f64,
    /// 1 where nothing is stretched.
    stretch: f64,
    leading: f64,
    rise: f64,
}

impl State<'_> {
    fn new(page: Affine) -> Self {
        Self {
            page,
            text: Affine::IDENTITY,
            line: Affine::IDENTITY,
            font: None,
            size: 1.0,
            char_space: 0.0,
            word_space: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
        }
    }

    fn next_line(&mut self, x: f64, y: f64) {
        self.line *= Affine::translate((x, y));
        self.text = self.line;
    }
}

struct Canvas<'p, 'a> {
    pages: &'p mut Pages<'a>,
    glyphs: Vec<Glyph>,
    forms: u32,
}

impl<'a> Canvas<'_, 'a> {
    fn draw(
        &mut self,
        mut operations: TypedIter<'_>,
        resources: &Resources<'a>,
        start: &State<'a>,
    ) -> Result<(), ParseError> {
        let mut saved: Vec<State<'a>> = Vec::new();
        let mut state = start.clone();
        while let Some(instruction) = operations.next() {
            self.pages.instructions += 1;
            if self.pages.instructions > INSTRUCTIONS_MAX {
                return Err(endless());
            }
            match instruction {
                TypedInstruction::SaveState(_) if saved.len() < STATES_MAX => {
                    saved.push(state.clone())
                }
                TypedInstruction::RestoreState(_) => state = saved.pop().unwrap_or(state),
                TypedInstruction::Transform(t) => {
                    let matrix = [t.0, t.1, t.2, t.3, t.4, t.5].map(|number| number.as_f64());
                    state.page *= Affine::new(matrix);
                }
                TypedInstruction::XObject(form) => self.form(form.0, resources, &state)?,
                TypedInstruction::BeginText(_) => {
                    state.text = Affine::IDENTITY;
                    state.line = Affine::IDENTITY;
                }
                TypedInstruction::TextFont(font) => {
                    state.size = font.1.as_f64();
                    state.font = self.font(resources, font.0);
                }
                TypedInstruction::SetTextMatrix(m) => {
                    state.line =
                        Affine::new([m.0, m.1, m.2, m.3, m.4, m.5].map(|number| number.as_f64()));
                    state.text = state.line;
                }
                TypedInstruction::CharacterSpacing(space) => state.char_space = space.0.as_f64(),
                TypedInstruction::WordSpacing(space) => state.word_space = space.0.as_f64(),
                TypedInstruction::HorizontalScaling(percent) => {
                    state.stretch = percent.0.as_f64() / 100.0
                }
                TypedInstruction::TextLeading(leading) => state.leading = leading.0.as_f64(),
                TypedInstruction::TextRise(rise) => state.rise = rise.0.as_f64(),
                TypedInstruction::NextLine(by) => state.next_line(by.0.as_f64(), by.1.as_f64()),
                TypedInstruction::NextLineAndSetLeading(by) => {
                    state.leading = -by.1.as_f64();
                    state.next_line(by.0.as_f64(), by.1.as_f64());
                }
                TypedInstruction::NextLineUsingLeading(_) => state.next_line(0.0, -state.leading),
                TypedInstruction::ShowText(text) => self.show(&mut state, text.0.as_bytes()),
                TypedInstruction::ShowTexts(parts) => self.show_parts(&mut state, parts.0),
                TypedInstruction::NextLineAndShowText(text) => {
                    state.next_line(0.0, -state.leading);
                    self.show(&mut state, text.0.as_bytes());
                }
                TypedInstruction::ShowTextWithParameters(text) => {
                    state.word_space = text.0.as_f64();
                    state.char_space = text.1.as_f64();
                    state.next_line(0.0, -state.leading);
                    self.show(&mut state, text.2.as_bytes());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A form is content with a name, which pages and other forms show.
    fn form(
        &mut self,
        name: &Name<'_>,
        resources: &Resources<'a>,
        state: &State<'a>,
    ) -> Result<(), ParseError> {
        let Some(stream) = resources.get_x_object(name) else { return Ok(()) };
        let dict = stream.dict();
        let is_form =
            dict.get::<Name<'_>>("Subtype").is_some_and(|subtype| subtype.as_str() == "Form");
        if !is_form || self.forms >= FORMS_DEEP_MAX {
            return Ok(());
        }
        let Ok(content) = stream.decoded_data() else { return Ok(()) };
        let mut state = state.clone();
        if let Some(matrix) = dict.get::<[f64; 6]>("Matrix") {
            state.page *= Affine::new(matrix);
        }
        let own = dict.get::<Dict<'a>>("Resources").map(Resources::new);
        self.pages.forms += 1;
        if self.pages.forms > FORMS_MAX {
            return Err(endless());
        }
        self.forms += 1;
        let drawn = self.draw(TypedIter::new(&content), own.as_ref().unwrap_or(resources), &state);
        self.forms -= 1;
        drawn
    }

    fn font(&self, resources: &Resources<'a>, name: &Name<'_>) -> Option<Font<'a>> {
        let dict = resources.get_font(name)?;
        self.pages.fonts.font(&dict, &self.pages.font_programs, &self.pages.cmaps)
    }

    fn show_parts(&mut self, state: &mut State<'a>, parts: &Array<'_>) {
        for part in parts.iter::<Object<'_>>() {
            match part {
                Object::Number(number) => {
                    let by = -number.as_f64() / f64::from(UNITS_PER_EM) * state.size;
                    let horizontal = state.font.as_ref().is_none_or(Font::is_horizontal);
                    let by = if horizontal {
                        Vec2::new(by * state.stretch, 0.0)
                    } else {
                        Vec2::new(0.0, by)
                    };
                    state.text *= Affine::translate(by);
                }
                Object::String(text) => self.show(state, text.as_bytes()),
                _ => {}
            }
        }
    }

    fn show(&mut self, state: &mut State<'a>, bytes: &[u8]) {
        let Some(font) = state.font.clone() else { return };
        let horizontal = font.is_horizontal();
        let mut at = 0;
        while at < bytes.len() && self.glyphs.len() < GLYPHS_MAX {
            let (code, length) = font.read_code(bytes, at);
            at += length.max(1);
            let advance = font.code_advance(code);
            let space =
                state.char_space + if code == 32 && length == 1 { state.word_space } else { 0.0 };
            let along = |units: f64| units / f64::from(UNITS_PER_EM) * state.size;
            let (own, step) = if horizontal {
                let own = along(advance.x);
                (Vec2::new(own * state.stretch, 0.0), Vec2::new((own + space) * state.stretch, 0.0))
            } else {
                let own = along(advance.y);
                (Vec2::new(0.0, own), Vec2::new(0.0, own + space))
            };
            // Letters that are spaced apart are still one word.
            let end = if state.char_space > 0.0 && code != 32 { step } else { own };
            let place = state.page * state.text * Affine::translate((0.0, state.rise));
            self.push(&font, code, place, end, state.size);
            state.text *= Affine::translate(step);
        }
    }

    fn push(&mut self, font: &Font<'a>, code: u32, place: Affine, end: Vec2, size: f64) {
        let text = match font.glyph(font.map_code(code), code) {
            FontGlyph::Outline(glyph) => glyph.as_unicode(),
            FontGlyph::Type3(glyph) => glyph.as_unicode(),
        };
        let text = match text {
            Some(BfString::Char(character)) => character.to_string(),
            Some(BfString::String(text)) => text,
            None => {
                self.pages.unknown += 1;
                return;
            }
        };
        self.pages.known += 1;
        let up = place * Point::new(0.0, size) - place * Point::ZERO;
        let glyph =
            Glyph { text, at: place * Point::ZERO, end: place * end.to_point(), size: up.hypot() };
        let is_sound = glyph.at.is_finite() && glyph.end.is_finite() && glyph.size.is_finite();
        if is_sound && !self.repeats(&glyph) {
            self.glyphs.push(glyph);
        }
    }

    /// Some programs draw a letter twice, a little apart, to make it bold.
    fn repeats(&self, glyph: &Glyph) -> bool {
        self.glyphs.last().is_some_and(|last| {
            last.text == glyph.text
                && !glyph.text.trim().is_empty()
                && last.at.distance(glyph.at) < 0.1 * glyph.size
        })
    }
}

fn endless() -> ParseError {
    ParseError::too_large(
        "This PDF draws without end: its pages have many millions of operations. Print it to a new PDF and upload that.",
    )
}
