/**
 * The form by which somebody comes in. Decides what it asks and where a refusal is read; knows nothing of how anybody is
 * let in.
 */
import { sentenceOf, type Credentials } from "../api";
import { ErrorLine, h } from "./dom";

export class LoginForm {
  readonly element: HTMLFormElement;
  private readonly name: HTMLInputElement;
  private readonly password: HTMLInputElement;
  private readonly buttons: HTMLButtonElement[];
  private readonly error = new ErrorLine("login");

  constructor(
    title: string,
    logIn: (credentials: Credentials) => Promise<void>,
    private readonly register: (credentials: Credentials) => Promise<void>,
  ) {
    this.name = h("input", { testid: "name", name: "name", autocomplete: "username", autocapitalize: "none" });
    this.password = h("input", {
      testid: "password",
      name: "password",
      type: "password",
      autocomplete: "current-password",
    });
    this.buttons = [
      h("button", { class: "primary", testid: "log-in" }, "Log in"),
      h("button", { type: "button", testid: "register", onclick: () => this.submit(register) }, "Register"),
    ];
    this.element = h(
      "form",
      {
        class: "login",
        novalidate: true,
        onsubmit: (event: SubmitEvent) => {
          event.preventDefault();
          void this.submit(logIn);
        },
      },
      h("h2", {}, title),
      h("label", {}, "Name", this.name),
      h("label", {}, "Password", this.password),
      this.error.element,
      h("div", { class: "buttons" }, ...this.buttons),
      h("p", { class: "hint" }, "New here? Choose a name and a password of at least 8 characters, then Register."),
    );
  }

  show(sentence: string): void {
    this.error.show(sentence);
  }

  /** Fills the form in and registers, as if by hand. */
  async admit({ name, password }: Credentials): Promise<void> {
    this.name.value = name;
    this.password.value = password;
    await this.submit(this.register);
  }

  private async submit(enter: (credentials: Credentials) => Promise<void>): Promise<void> {
    const credentials = { name: this.name.value.trim(), password: this.password.value };
    if (credentials.name === "" || credentials.password === "") {
      return this.show("A name and a password, please.");
    }
    this.show("");
    for (const button of this.buttons) button.disabled = true;
    try {
      await enter(credentials);
    } catch (error) {
      this.show(sentenceOf(error));
    }
    for (const button of this.buttons) button.disabled = false;
  }
}
