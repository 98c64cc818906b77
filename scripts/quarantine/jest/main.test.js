describe("math", () => {
  test("fails (a+b)", () => {
    throw new Error("no");
  });
  test("fails", () => {});
  test("same", () => {});
  describe("deep", () => {
    test("three::4/é", () => {
      throw new Error("no");
    });
  });
});
