/** Eigenvalues, largest first, and the eigenvectors that belong to them (`vectors[i]` is of length n). */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: readonly Float64Array[];
}

/** Sweeps converge quadratically; ten are enough for n of a few hundred. */
const sweepsMax = 30;

/**
 * Of a symmetric matrix given by rows, by Jacobi's rotations (Golub and Van Loan, §8.5): slow beside other methods for large
 * n, short, and accurate to the last digits. The matrix is overwritten.
 */
export function symmetricEigen(matrix: Float64Array[]): Eigen {
  const n = matrix.length;
  const vectors = Array.from({ length: n }, (_, i) => {
    const unit = new Float64Array(n);
    unit[i] = 1;
    return unit;
  });
  let scale = 0;
  for (const row of matrix) for (const value of row) scale = Math.max(scale, Math.abs(value));
  const negligible = scale * 1e-15;
  for (let sweep = 0; sweep < sweepsMax; sweep++) {
    let isDiagonal = true;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(matrix[p]![q]!) <= negligible) continue;
        isDiagonal = false;
        rotate(matrix, vectors, { p, q });
      }
    }
    if (isDiagonal) break;
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => matrix[b]![b]! - matrix[a]![a]!);
  return {
    values: Float64Array.from(order, (i) => matrix[i]![i]!),
    vectors: order.map((i) => vectors[i]!),
  };
}

/** Makes the entry (p, q) zero. */
function rotate(matrix: Float64Array[], vectors: Float64Array[], at: { p: number; q: number }): void {
  const { p, q } = at;
  const rowP = matrix[p]!;
  const rowQ = matrix[q]!;
  const half = (rowQ[q]! - rowP[p]!) / (2 * rowP[q]!);
  const tangent = (half >= 0 ? 1 : -1) / (Math.abs(half) + Math.sqrt(half * half + 1));
  const cosine = 1 / Math.sqrt(tangent * tangent + 1);
  const sine = tangent * cosine;
  for (const row of matrix) {
    const a = row[p]!;
    const b = row[q]!;
    row[p] = cosine * a - sine * b;
    row[q] = sine * a + cosine * b;
  }
  rotateRows(rowP, rowQ, cosine, sine);
  rotateRows(vectors[p]!, vectors[q]!, cosine, sine);
}

function rotateRows(rowP: Float64Array, rowQ: Float64Array, cosine: number, sine: number): void {
  for (let i = 0; i < rowP.length; i++) {
    const a = rowP[i]!;
    const b = rowQ[i]!;
    rowP[i] = cosine * a - sine * b;
    rowQ[i] = sine * a + cosine * b;
  }
}
