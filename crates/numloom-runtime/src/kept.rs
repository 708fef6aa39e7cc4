//! Arrays that one pass keeps for later ones: their shapes, and room for them.
//!
//! What goes in: a staged program and the shapes of a run. What comes out: the shape of each kept array and of each pass's space. What
//! it never does: touch an element.

use numloom_data::{Array, Order, View};

use crate::error::RuntimeError;
use crate::layout::{Leaf, Space, Target};
use crate::shape::{Shapes, stretch};
use crate::stage::{Pass, Stages};

/// The shapes of kept arrays in one run.
#[derive(Default)]
pub(crate) struct KeptShapes {
    shapes: Vec<Vec<usize>>,
}

impl KeptShapes {
    pub(crate) fn set(&mut self, stages: &Stages, shapes: &Shapes, views: &[View<'_>]) {
        self.shapes.resize_with(stages.kept.len(), Vec::new);
        for pass in stages.passes() {
            let mut space = Vec::new();
            for (target, site) in pass.targets.iter().zip(&pass.sites) {
                let Target::Kept(i) = *target else { continue };
                match *site {
                    Some(site) => self.shapes[i].clone_from(&shapes.site(site).shape),
                    None => {
                        self.space(pass, shapes, views, &mut space);
                        self.shapes[i].clone_from(&space);
                    }
                }
            }
        }
    }

    /// The shape of kept array `i`.
    pub(crate) fn shape(&self, i: usize) -> &[usize] {
        &self.shapes[i]
    }

    /// The extents that `pass` goes through.
    pub(crate) fn space(
        &self,
        pass: &Pass,
        shapes: &Shapes,
        views: &[View<'_>],
        to: &mut Vec<usize>,
    ) {
        to.clear();
        let leaves = match &pass.space {
            Space::Set(set) => return to.extend_from_slice(shapes.set(*set)),
            Space::Leaves(leaves) => leaves,
        };
        for leaf in leaves {
            // Leaves that disagree are refused where the set that they shape is inferred.
            stretch(
                to,
                match *leaf {
                    Leaf::Input(i) => views[i as usize].shape(),
                    Leaf::Kept(i) => &self.shapes[i],
                },
            );
        }
    }

    /// Room for what `pass` keeps, in the order of its targets.
    pub(crate) fn room(&self, stages: &Stages, pass: &Pass) -> Result<Vec<Array>, RuntimeError> {
        let kept = pass.targets.iter().filter_map(|target| match *target {
            Target::Kept(i) => Some(i),
            _ => None,
        });
        let room = |i| Ok(Array::zeros(stages.kept[i], self.shape(i), Order::C)?);
        kept.map(room).collect()
    }
}
