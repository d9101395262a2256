//! Whole numbers of 256 bits, without a sign: just what exact decimals need where 128 bits are too few.
//! Slow beside a machine word, and only met on the way of very long numbers.

/// A whole number below 2²⁵⁶.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wide {
    high: u128,
    low: u128,
}

impl From<u128> for Wide {
    fn from(low: u128) -> Self {
        Wide { high: 0, low }
    }
}

impl Wide {
    /// The product of two numbers.
    pub(super) fn product(a: u128, b: u128) -> Self {
        let halves = |number: u128| (number >> 64, number & u128::from(u64::MAX));
        let ((a1, a0), (b1, b0)) = (halves(a), halves(b));
        let (low, middle, other, high) = (a0 * b0, a1 * b0, a0 * b1, a1 * b1);
        // Three numbers below 2⁶⁴ on top of one below 2¹²⁸ − 2⁶⁵: this can't overflow.
        let (carry, column) = halves(middle + (low >> 64));
        let sum = column + other;
        Wide { high: high + carry + (sum >> 64), low: sum << 64 | low & u128::from(u64::MAX) }
    }

    /// The low 128 bits.
    pub(super) fn low(self) -> u128 {
        self.low
    }

    /// The sum; callers stay below 2²⁵⁶.
    pub(super) fn plus(self, other: Self) -> Self {
        let (low, carry) = self.low.overflowing_add(other.low);
        Wide { high: self.high.wrapping_add(other.high).wrapping_add(u128::from(carry)), low }
    }

    /// The difference; callers subtract the smaller.
    pub(super) fn minus(self, other: Self) -> Self {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        Wide { high: self.high.wrapping_sub(other.high).wrapping_sub(u128::from(borrow)), low }
    }

    /// A tenth, and the digit that falls off.
    pub(super) fn divide_by_ten(self) -> (Self, u64) {
        if self.high == 0 {
            return (Wide::from(self.low / 10), (self.low % 10) as u64);
        }
        let mut rest = 0;
        let mut limb = |word: u128| {
            let column = rest << 64 | word & u128::from(u64::MAX);
            rest = column % 10;
            column / 10
        };
        let high = limb(self.high >> 64) << 64 | limb(self.high);
        let low = limb(self.low >> 64) << 64 | limb(self.low);
        (Wide { high, low }, rest as u64)
    }

    /// Quotient and rest; the divisor is not zero.
    pub(super) fn divide(self, divisor: u128) -> (Self, u128) {
        if self.high == 0 {
            return (Wide::from(self.low.checked_div(divisor).unwrap_or(0)), self.low.checked_rem(divisor).unwrap_or(0));
        }
        let (mut quotient, mut rest) = (Wide::from(0), 0_u128);
        for bit in (0..256).rev() {
            let word = if bit >= 128 { self.high >> (bit - 128) } else { self.low >> bit };
            let carry = rest >> 127;
            rest = rest << 1 | word & 1;
            if carry == 1 || rest >= divisor {
                rest = rest.wrapping_sub(divisor);
                let place = if bit >= 128 { &mut quotient.high } else { &mut quotient.low };
                *place |= 1 << (bit % 128);
            }
        }
        (quotient, rest)
    }
}
