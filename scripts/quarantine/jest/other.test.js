describe("Math", () => {
  test("same", () => {});
});
