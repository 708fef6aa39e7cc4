//! Subscripts of inputs: views, never copies.

use std::sync::Arc;

use numloom_syntax::{ExprId, Span, SubscriptItem, SubscriptKind};

use super::operand::Operand;
use super::{Lower, Lowered};
use crate::error::LowerErrorKind;
use crate::program::{InputSource, InstKind, ShapeSource, Value, ViewItem};

impl Lower<'_> {
    /// `base[items]`: an input that is a view of another.
    pub(super) fn subscript(
        &mut self,
        id: ExprId,
        base: ExprId,
        items: &[SubscriptItem],
        span: Span,
    ) -> Lowered<Operand> {
        let operand = self.result(base)?;
        let input = match operand {
            Operand::Value(value) => self.input_of(value),
            Operand::Complex(parts) => self.whole_of(parts),
            _ => None,
        };
        let Some(input) = input else {
            return self.refuse(self.ast.span(base), LowerErrorKind::SubscriptedExpression);
        };
        let view = self.view_of(input, items, span);
        self.shaped.insert(id, vec![ShapeSource::Input(view)]);
        self.builder.at(span);
        Ok(self.read(view))
    }

    /// The input that a value reads.
    pub(super) fn input_of(&self, value: Value) -> Option<u32> {
        match self.builder.program().inst(value).kind {
            InstKind::Input(input) => Some(input),
            _ => None,
        }
    }

    /// Declares the view of an input.
    fn view_of(&mut self, input: u32, items: &[SubscriptItem], span: Span) -> u32 {
        let items: Arc<[ViewItem]> = items
            .iter()
            .map(|item| match item.kind {
                SubscriptKind::Index(at) => ViewItem::Index(at),
                SubscriptKind::Slice { start, stop, step } => ViewItem::Slice {
                    start,
                    stop,
                    step: step.unwrap_or(1),
                },
                SubscriptKind::NewAxis => ViewItem::NewAxis,
                SubscriptKind::Ellipsis => ViewItem::Ellipsis,
                _ => unreachable!("the grammar has no other subscripts"),
            })
            .collect();
        let whole = &self.builder.program().inputs[input as usize];
        let (name, dtype) = (whole.name.clone(), whole.dtype);
        let source = InputSource::View { input, items, span };
        self.builder.declare_part(&name, dtype, source)
    }
}
